"""What is alike, and what is written into which field: pure functions."""

from __future__ import annotations

import pytest

from smaker.browser.as_test import as_scenario, as_test
from smaker.browser.inside import forms, values
from smaker.browser.inside.shapes import has_id, own_path, plain, repeatable, shape, tokens, unique
from smaker.core.models import Finding
from smaker.core.ports.browser import Action, Discovery, Target


def field(**given: object) -> dict[str, object]:
    usual = {
        **{"css": "#x", "role": "textbox", "name": "X", "label": "", "key": "x", "tag": "input", "type": "text"},
        **{"value": "", "required": False, "disabled": False, "shown": True, "min": "", "max": "", "step": ""},
        **{"pattern": "", "shortest": -1, "longest": -1, "hint": "", "auto": "", "checked": False, "options": []},
    }
    return {**usual, **given}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/notes/7", "/notes/*"),
        ("/notes/7/edit", "/notes/*/edit"),
        ("/a/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/a/*"),
        ("/notes?tag=b&page=2", "/notes?page&tag"),
        ("/about-us", "/about-us"),
        ("/days/2030-01-15", "/days/*"),
        ("/", "/"),
        ("", "/"),
    ],
)
def test_addresses_are_alike_but_for_their_records(path: str, expected: str) -> None:
    assert shape(path) == expected


def test_letters_are_the_same_for_the_same_run_and_are_found_again() -> None:
    letters = unique("seed", 1)
    assert letters == unique("seed", 1) != unique("seed", 2)
    assert tokens(f"Thing {letters}, {letters} again") == [letters]
    assert repeatable(f"Thing {letters}") == "Thing {unique}"
    assert has_id(f"/tags/{letters}")
    assert plain(f"Thing {letters} costs 12.50 at http://127.0.0.1:8000/x?y=1") == "Thing {unique} costs #.# at /x"


@pytest.mark.parametrize(
    ("href", "expected"),
    [("b?c=d#e", "/a/b?c=d"), ("/", "/"), ("//other/", None), ("https://127.0.0.1:1/", None), ("mailto:a@b", None)],
)
def test_links_lead_to_the_app_or_are_not_followed(href: str, expected: str | None) -> None:
    assert own_path("http://127.0.0.1:1/a/", href, "http://127.0.0.1:1") == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "email"}, "{unique}@example.org"),
        ({"label": "E-mail address"}, "{unique}@example.org"),
        ({"key": "user_name"}, "{unique}"),
        ({"type": "number", "min": "3", "max": "5"}, "5"),
        ({"type": "number", "step": "0.5"}, "3.5"),
        ({"type": "date", "min": "2031-02-03"}, "2031-02-03"),
        ({"type": "date"}, "2030-01-15"),
        ({"label": "Price"}, "7"),
        ({"longest": 8}, "{unique}"),
        ({"longest": 3, "label": "Code"}, "Thing"[:3]),
        ({"shortest": 20}, "Thing {unique}xxxxxx"),
        ({"pattern": "[A-Z]{3}-[0-9]{3}"}, "ABC-123"),
        ({"pattern": "("}, "Thing {unique}"),
        ({"type": "select-one", "options": ["", "a"]}, "a"),
        ({"type": "password"}, "Correct-horse-7-{unique}"),
    ],
)
def test_values_fit_their_fields(given: dict[str, object], expected: str) -> None:
    assert values.fitting(field(**given)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"type": "email"}, "no address"), ({"type": "number"}, "many"), ({"label": "Year"}, "many")],
)
def test_wrong_values_do_not(given: dict[str, object], expected: str) -> None:
    assert values.wrong(field(**given)) == expected


def form(*fields: dict[str, object], button: str = "Save", method: str = "post") -> dict[str, object]:
    submit = {"css": "button", "role": "button", "name": button}
    return {"css": "form", "method": method, "action": "/x", "scripted": False, "fields": fields, "submits": [submit]}


PASSWORD = field(type="password", key="password", label="Password")


def test_forms_are_known_by_what_they_are_for() -> None:
    page = {"url": "http://127.0.0.1:1/enter"}
    assert forms.joins(form(PASSWORD, button="Sign up"), page)
    assert forms.joins(form(PASSWORD, {**PASSWORD, "label": "Repeat"}), page)
    assert forms.enters(form(PASSWORD, button="Log in"), page)
    assert not forms.enters(form(field()), page)
    assert "double" not in forms.variants(form(PASSWORD, button="Log in"), page)
    assert forms.variants(form(field(), method="get"), page) == ("valid", "empty", "markup")
    assert forms.leaves("Sign out")
    assert not forms.leaves("Sign in")


def test_a_form_is_filled_in_and_sent() -> None:
    done = forms.actions(form(field(), field(type="checkbox", required=True, key="terms", role="checkbox")), "valid")
    assert [action.kind for action in done] == ["fill", "check", "click"]
    empty = forms.actions(form(field(value="old")), "empty")
    assert [(action.kind, action.value) for action in empty] == [("bare", ""), ("fill", ""), ("click", "")]
    assert len(forms.actions(form(field()), "long")[1].value) > values.LONG
    assert "data-probe" in forms.actions(form(field()), "markup")[0].value


def test_an_account_is_entered_as_it_was_made() -> None:
    made = form(field(type="email", key="email"), PASSWORD, button="Sign up")
    enter = form(field(key="login", label="User or e-mail"), {**PASSWORD, "key": "secret"}, button="Log in")
    given = forms.credentials(enter, made)
    assert given == {"login": "{unique}@example.org", "secret": values.PASSWORD}


@pytest.mark.parametrize("dialect", ["pytest", "node"])
def test_what_a_page_says_ends_no_string_of_a_test(dialect: str) -> None:
    evil = '"""\nimport os; os.system(\'x\') */ `${process.exit()}` \\'
    target = Target(role="button", name=evil)
    finding = Finding(source="browser", message=evil)
    found = Discovery(
        finding=finding, check="dead-control", actions=(Action(kind="click", target=target),), url="/", subject=evil
    )
    for source in (as_test(found, dialect), as_scenario(evil, found.actions, dialect)):  # type: ignore[arg-type]
        head = source.splitlines()[0]
        assert head.count('"""') in {0, 2}
        assert "\nimport os; os.system" not in source
        if dialect == "pytest":
            compile(source, "test", "exec")
