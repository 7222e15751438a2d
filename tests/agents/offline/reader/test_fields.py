"""One field from its words: name, type, values, bounds, and whether it must be given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smaker.core.spec import DataField, Spec

Read = Callable[[str], Spec]


def field(read: Read, words: str, record: str = "gadget") -> DataField:
    """The field that ``words`` make beside a name."""
    fields = read(f"a REST API for {record}s (name, {words})").entity(record).fields
    return fields[-1]


@pytest.mark.parametrize(
    ("words", "name", "kind"),
    [
        ("price", "price", "money"),
        ("amount in euros", "amount", "money"),
        ("hourly rate", "hourly_rate", "money"),
        ("quantity", "quantity", "integer"),
        ("number of pages", "pages", "integer"),
        ("max guests", "max_guests", "integer"),
        ("age", "age", "integer"),
        ("duration in minutes", "duration", "integer"),
        ("weight (kg)", "weight", "number"),
        ("distance in km", "distance", "number"),
        ("email", "email", "email"),
        ("contact e-mail", "contact_email", "email"),
        ("website", "website", "url"),
        ("cover image", "cover_image", "url"),
        ("how it felt", "how_it_felt", "text"),
        ("what they said about it", "what_they_said_about_it", "text"),
        ("where it was bought", "where_it_was_bought", "text"),
        ("when he called", "when_he_called", "date"),
        ("how much it cost", "how_much_it_cost", "money"),
        ("how many people came", "how_many_people_came", "integer"),
        ("whether it hurt", "hurt", "boolean"),
        ("due date", "due_date", "date"),
        ("birthday", "birthday", "date"),
        ("date of birth", "date_of_birth", "date"),
        ("hired on", "hired_on", "date"),
        ("last watered", "last_watered", "date"),
        ("starts at", "starts_at", "datetime"),
        ("measured_at", "measured_at", "datetime"),
        ("done", "done", "boolean"),
        ("is active", "is_active", "boolean"),
        ("whether it is paid", "paid", "boolean"),
        ("vaccinated yes/no", "vaccinated", "boolean"),
        ("urgent flag", "urgent", "boolean"),
        ("archived", "archived", "boolean"),
        ("description", "description", "long_text"),
        ("notes", "notes", "long_text"),
        ("tags", "tags", "tags"),
        ("labels", "labels", "tags"),
        ("actors", "actors", "tags"),
        ("breed", "breed", "text"),
        ("phone number", "phone_number", "text"),
        ("name of the owner", "owner_name", "text"),
        ("title: string", "title", "text"),
        ("year as integer", "year", "integer"),
        ("ratio: float", "ratio", "number"),
        ("price: number", "price", "money"),
        ("code (text)", "code", "text"),
        ("status: string", "status", "text"),
        ("from", "from", "text"),
    ],
)
def test_types(words: str, name: str, kind: str, read: Read) -> None:
    found = field(read, words)
    assert (found.name, found.type.value) == (name, kind)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("status open/done", ("open", "done")),
        ("status (open, in progress, done)", ("open", "in progress", "done")),
        ("status: open/in progress/done", ("open", "in progress", "done")),
        ("type income or expense", ("income", "expense")),
        ("priority (low/medium/high)", ("low", "medium", "high")),
        ("mood (one of happy, sad)", ("happy", "sad")),
        ("state (new, to read, read)", ("new", "to read", "read")),
        ("currency (EUR, USD)", ("eur", "usd")),
        ("status", ("open", "done")),
        ("priority", ("low", "medium", "high")),
    ],
)
def test_choices(words: str, values: tuple[str, ...], read: Read) -> None:
    found = field(read, words)
    assert found.choices == values


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("rating 1-5", 1, 5),
        ("rating from 1 to 10", 1, 10),
        ("rating", 1, 5),
        ("score between 0 and 100", 0, 100),
        ("quantity (at least 1)", 1, None),
        ("non-negative quantity", 0, None),
        ("price (must be positive)", 0.01, None),
        ("quantity greater than 0", 1, None),
        ("age (18 or more)", 18, None),
        ("title (at most 80 characters)", None, 80),
        ("importance 1-3", 1, 3),
    ],
)
def test_bounds(words: str, low: float | None, high: float | None, read: Read) -> None:
    found = field(read, words)
    assert (found.minimum, found.maximum) == (low, high)


@pytest.mark.parametrize(
    ("words", "required", "unique", "default"),
    [
        ("sku (unique)", True, True, None),
        ("unique sku", True, True, None),
        ("email unique", True, True, None),
        ("author (optional)", False, False, None),
        ("an optional author", False, False, None),
        ("author optional", False, False, None),
        ("note", False, False, None),
        ("a required note", True, False, None),
        ("tags", False, False, None),
        ("author", True, False, None),
        ("status (open, done)", False, False, "open"),
        ("size (small, large)", True, False, None),
        ("size (small, large, default large)", False, False, "large"),
        ("done", False, False, "false"),
        ("active (default true)", False, False, "true"),
        ("joined date (default today)", False, False, "today"),
        ("count (default 0)", False, False, "0"),
        ("email (required, unique)", True, True, None),
    ],
)
def test_rules(words: str, required: bool, unique: bool, default: str | None, read: Read) -> None:
    found = field(read, words)
    assert (found.required, found.unique, found.default) == (required, unique, default)


@pytest.mark.parametrize(
    "listed",
    [
        "date and how it felt",
        "date, how it felt; searchable",
        "date, where it was bought and how it felt",
        "how it felt",
    ],
)
def test_a_question_in_a_list_is_one_field(listed: str, read: Read) -> None:
    names = [known.name for known in read(f"a CLI to log workouts: sport, {listed}").entity("workout").fields]
    assert "how_it_felt" in names
    assert not {"how", "felt", "it", "where", "bought"} & set(names)


def test_a_clause_is_no_field(read: Read) -> None:
    spec = read("an app where users log in and where they keep private notes with a title")
    assert [known.name for known in spec.entity("note").fields] == ["title"]


@pytest.mark.parametrize(
    ("words", "record", "minimum"),
    [
        ("minutes", "workout", 0),
        ("number of players", "game", 0),
        ("age", "person", 0),
        ("shoe size", "runner", 0),
        ("weight (kg)", "parcel", 0),
        ("how many people came", "party", 0),
        ("prep time", "recipe", 0),
        ("price", "lamp", 0),
        ("amount", "expense", 0),
        ("amount", "transaction", None),
        ("temperature", "reading", None),
        ("balance", "account", None),
        ("score", "game", None),
        ("weight change", "week", None),
        ("floor", "room", None),
        ("year", "film", None),
        ("weight (can be negative)", "parcel", None),
        ("minutes from 5 to 60", "workout", 5),
    ],
)
def test_what_cannot_be_negative_by_its_meaning(words: str, record: str, minimum: float | None, read: Read) -> None:
    assert field(read, words, record).minimum == minimum


def test_what_is_said_to_be_negative_may_be(read: Read) -> None:
    spec = read("a REST API for parcels (name, weight, length). The weight can be negative.")
    assert [known.minimum for known in spec.entity("parcel").fields] == [None, None, 0]
    assert not spec.questions


def test_amounts_of_ingredients_are_no_money(read: Read) -> None:
    assert field(read, "amount", "ingredient").type.value == "number"


def test_ids_and_creation_times_are_there_anyway(read: Read) -> None:
    spec = read("a REST API for gadgets (id, name, created at)")
    assert [known.name for known in spec.entity("gadget").fields] == ["name"]
    assert not spec.questions


def test_references_by_the_last_word(read: Read) -> None:
    spec = read("a REST API for teams (name) and matches (home team, away team, parent match, played on)")
    fields = {known.name: known.references for known in spec.entity("match").fields}
    assert fields == {"home_team": "team", "away_team": "team", "parent_match": "match", "played_on": None}
    assert not spec.entity("match").field("parent_match").required


def test_words_of_python_are_no_names(read: Read) -> None:
    spec = read("a REST API for classes (title, from, to)")
    assert (spec.entities[0].name, spec.entities[0].plural) == ("class_record", "classes")


def test_defaults_that_cannot_be_are_named(read: Read) -> None:
    spec = read("a REST API for gadgets (name, count (default many), size (small, large, default huge))")
    assert len(spec.unsupported) == 2


def test_words_that_say_little_can_be_records(read: Read) -> None:
    assert read("a REST API for things (name, price)").entity("thing").plural == "things"
