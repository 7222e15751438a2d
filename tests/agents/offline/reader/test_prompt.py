"""The spec as a whole: its order, its parts, that it hangs together, and that nothing that was said is lost."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.agents.offline.reader import extend_spec, read_prompt
from smaker.core.errors import Refused, SmakerError, UsageError
from smaker.core.spec import FieldType, Operation, OperationKind, ProductKind, Spec

Read = Callable[[str], Spec]
Check = Callable[[Spec], list[str]]
FOLDER = Path(__file__).parent
EVERY: list[Any] = [
    case
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
    if "prompt" in case
]
READABLE: list[str] = [case["prompt"] for case in EVERY if "refused" not in case]

BOOKS = "A REST API to track books (title, author, year) and loans (book, borrower, due date)"
EXPENSES = (
    "an expenses tracker CLI: add expenses with amount, category, date and note, list by month, total per category, "
    "export CSV"
)
NOTES = "a web app where users sign up, log in and keep private notes with tags, searchable"
INVENTORY = (
    "an inventory service: products have sku (unique), name, price, quantity; warehouses have a name and city; stock "
    "moves from one warehouse to another and can't go below zero"
)


def kinds(spec: Spec) -> list[str]:
    """The kinds of operations with their records, in the order of the requirements."""
    operations = [requirement.operation or Operation(kind=OperationKind.HEALTH) for requirement in spec.requirements]
    return [f"{operation.kind.value} {operation.entity or operation.topic or ''}".strip() for operation in operations]


@pytest.mark.parametrize("prompt", READABLE)
def test_every_spec_hangs_together(prompt: str, read: Read, check: Check) -> None:
    assert check(read(prompt)) == []


@pytest.mark.parametrize("prompt", [*READABLE[:6], *READABLE[60::9]])
def test_a_clause_that_is_not_understood_is_named(prompt: str, read: Read) -> None:
    more = read(f"{prompt.rstrip().rstrip('.')}. Frobnicate the wibbles nightly.")
    said = " ".join((*more.questions, *more.unsupported, *(requirement.text for requirement in more.requirements)))
    assert {"frobnicate", "wibble"} <= set(re.findall(r"[a-z]+", said.lower().replace("wibbles", "wibble")))


def test_requirements_stand_in_order(read: Read) -> None:
    basic = ["create", "list", "read", "update", "delete", "validate"]
    assert kinds(read(BOOKS)) == [
        "health",
        *(f"{kind} book" for kind in basic),
        *(f"{kind} loan" for kind in basic),
        "reference loan",
    ]
    assert kinds(read(EXPENSES)) == [
        *(f"{kind} expense" for kind in basic),
        "filter expense",
        "report expense",
        "export expense",
    ]
    assert kinds(read(NOTES)) == [
        *("health", "sign_up", "log_in", "log_out"),
        *(f"{kind} note" for kind in basic),
        "own note",
        "search note",
        "filter note",
    ]


def test_modules_follow_the_records_they_refer_to(read: Read) -> None:
    spec = read(BOOKS)
    assert [(module.name, module.depends_on) for module in spec.modules] == [
        ("book", ()),
        ("loan", ("book",)),
        ("app", ("book", "loan")),
    ]
    assert spec.modules[-1].requirements == ("R1",)
    assert [module.name for module in read("a Python library for length and mass unit conversion").modules] == [
        "library"
    ]


def test_a_transfer_makes_a_record_of_what_lies_where(read: Read) -> None:
    spec = read(INVENTORY)
    stock = spec.entity("stock")
    assert [(field.name, field.type, field.minimum) for field in stock.fields] == [
        ("product", FieldType.REFERENCE, None),
        ("warehouse", FieldType.REFERENCE, None),
        ("quantity", FieldType.INTEGER, 0),
    ]
    (transfer,) = spec.operations(OperationKind.TRANSFER)
    assert transfer.operation == Operation(
        kind=OperationKind.TRANSFER,
        entity="stock",
        field="quantity",
        by="warehouse",
        topic="product",
        name="move_stock",
    )
    assert len(transfer.acceptance) == 3


def test_interfaces_name_what_is_called(read: Read) -> None:
    assert "GET /loans?limit&offset" in read(BOOKS).interfaces
    expenses = read(EXPENSES).interfaces
    assert "expenses add --amount --category --date --note" in expenses
    assert "expenses list --month" in expenses
    assert "expenses total-per-category" in expenses
    assert "expenses export FILE --format csv" in expenses
    notes = read(NOTES).interfaces
    assert {"GET /signup", "POST /notes/{id}/delete", "GET /api/notes?limit&offset&q&tag"} <= set(notes)
    assert "POST /stocks/move-stock" in read(INVENTORY).interfaces


def test_scenarios_walk_through_the_pages(read: Read) -> None:
    sign_up, keep = read(NOTES).scenarios
    assert sign_up.requirements == ("R2", "R3", "R4")
    assert keep.steps[0] == "open /signup"
    assert any("search" in step for step in keep.steps)
    site = read("a landing page with a pricing table that switches monthly and yearly, and a contact form")
    assert [scenario.name for scenario in site.scenarios] == ["Read the page", "Switch prices", "Use the contact form"]
    assert read(BOOKS).scenarios == ()


def test_what_a_profile_lacks_is_a_must_and_unsupported(read: Read, supported: dict[str, list[str]]) -> None:
    fewer = {**supported, "fastapi-service": [kind for kind in supported["fastapi-service"] if kind != "search"]}
    spec = read_prompt(f"{BOOKS}. Search books.", supported=fewer)
    (search,) = spec.operations(OperationKind.SEARCH)
    assert search.must
    assert spec.unsupported == (search.text,)
    assert read(f"{BOOKS}. Search books.").unsupported == ()


def test_what_no_operation_stands_for_is_a_must_without_one(read: Read) -> None:
    spec = read(f"{BOOKS}. No more than 3 open loans per borrower.")
    (unproved,) = (requirement for requirement in spec.requirements if requirement.operation is None)
    assert unproved.must
    assert spec.unsupported == (unproved.text,)
    assert "3 open loans per borrower" in unproved.text


def test_profile_and_name_can_be_given(supported: dict[str, list[str]]) -> None:
    spec = read_prompt("books (title, author)", profile="cli-tool", name="My Shelf", supported=supported)
    assert (spec.kind, spec.profile, spec.name, spec.slug) == (ProductKind.CLI, "cli-tool", "My Shelf", "my-shelf")
    with pytest.raises(Refused, match="no profile 'fastapi-service'"):
        read_prompt(BOOKS, supported={"cli-tool": ()})


@pytest.mark.parametrize(
    ("prompt", "slug"),
    [
        (BOOKS, "book-loans"),
        (EXPENSES, "expenses"),
        (NOTES, "notes"),
        ("a calendar API with events (title, date)", "calendar-app"),
        ("a CLI called email with contacts (name)", "contacts"),
        ("REST API for tests (title, date)", "tests-app"),
        ("a CLI for types (name)", "types-tool"),
    ],
)
def test_slugs_are_short_and_clash_with_no_module(prompt: str, slug: str, read: Read) -> None:
    assert read(prompt).slug == slug


def test_an_unnamed_kind_is_a_default_that_is_said(read: Read) -> None:
    api = read("books (title, author, year) and loans (book, borrower)")
    assert api.kind is ProductKind.API
    web = read("Users sign up, log in and keep notes (title, body).")
    assert web.kind is ProductKind.WEB
    for spec in (api, web):
        assert any(question.startswith("What kind of product") for question in spec.questions)


def test_a_step_on_a_line_of_its_own_is_a_sentence_of_its_own(read: Read) -> None:
    spec = read(f"{BOOKS}\nadd a rating to loans and export them to CSV")
    assert [field.name for field in spec.entity("loan").fields][-1] == "rating"
    assert not any("rating" in question and "Which record" in question for question in spec.questions)
    assert [operation for operation in kinds(spec) if operation.startswith("export")] == ["export loan"]


def test_fields_that_were_not_said_are_a_default_that_is_said(read: Read) -> None:
    spec = read("a REST API for notes, tasks and ships")
    assert {entity.name: [field.name for field in entity.fields] for entity in spec.entities} == {
        "note": ["title", "body"],
        "task": ["title", "done"],
        "ship": ["name"],
    }
    assert sum(question.startswith("Which fields") for question in spec.questions) == 3


def test_two_records_that_need_each_other_can_begin(read: Read) -> None:
    spec = read("REST API: teams have a name and a captain player; players have a name and a team")
    required = {field.name: field.required for entity in spec.entities for field in entity.fields if field.references}
    assert False in required.values()


def test_no_more_than_can_be_built(read: Read) -> None:
    with pytest.raises(Refused, match="more than 40 kinds of records"):
        read("A REST API. " + " ".join(f"x{number}ys (name)." for number in range(50)))
    with pytest.raises(Refused, match="more than 60 fields of books"):
        read("A REST API for books: " + ", ".join(f"field{number}" for number in range(70)))


VOCABULARY = [word for case in EVERY for word in re.findall(r"\w+|[^\w\s]|\n", case["prompt"])]
STARTS = ["A REST API", "a CLI", "a web app where users sign up", "a Python library", "a landing page", "books (title)"]


@pytest.mark.parametrize("seed", range(12))
def test_word_salad_is_read_or_refused(seed: int, supported: dict[str, list[str]], check: Check) -> None:
    dice = random.Random(seed)
    for _ in range(40):
        prompt = f"{dice.choice(STARTS)} {' '.join(dice.choices(VOCABULARY, k=dice.randint(1, 40)))}"
        try:
            spec = read_prompt(prompt, supported=supported)
            assert check(spec) == [], prompt
            step = f"add {' '.join(dice.choices(VOCABULARY, k=dice.randint(1, 12)))}"
            assert check(extend_spec(spec, step, supported=supported)) == [], (prompt, step)
        except SmakerError as error:
            assert error.exit_code in {2, 4}, prompt
            assert error.message
            assert error.hint, prompt


LONG = {
    "parentheses": "books (" * 2800,
    "commas": "a, " * 6600,
    "colons": "a: " * 6600,
    "bullets": "- a\n" * 5000,
    "ors": "status of open or " * 1100,
    "filters": "filter by " * 1900,
    "possessives": "a's " * 5000,
    "apostrophes": "a'" * 10000,
    "hyphens": "a-" * 10000,
    "kinds": "REST API " * 2200,
    "relations": "tasks belong to projects. " * 760,
    "one word": "x" * 20000,
}


@pytest.mark.parametrize("name", LONG)
def test_a_longer_prompt_takes_longer_and_not_more_than_that(name: str, read: Read) -> None:
    def seconds(size: int) -> float:
        started = time.process_time()
        with contextlib.suppress(Refused):
            read(LONG[name][:size])
        return time.process_time() - started

    quarter, whole = seconds(5_000), seconds(20_000)
    assert whole < 8 * quarter + 1  # four times; were it quadratic, sixteen


def test_a_megabyte_is_too_long_at_once(read: Read) -> None:
    started = time.process_time()
    with pytest.raises(UsageError, match="too long: 1,000,000 characters"):
        read("x" * 1_000_000)
    assert time.process_time() - started < 0.2
