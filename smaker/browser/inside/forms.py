"""What to try with a form: as it is meant, with nothing, with what it should refuse, too long, with markup, twice."""

from __future__ import annotations

import re
from typing import Any

from smaker.browser.inside import values
from smaker.browser.inside.shapes import repeatable
from smaker.core.ports.browser import Action, Target

Form = dict[str, Any]

_JOIN = re.compile(r"sign.?up|regist|create.*account|\bjoin\b|new account", re.IGNORECASE)
_ENTER = re.compile(r"log.?in|sign.?in|\benter\b", re.IGNORECASE)
_LEAVE = re.compile(r"log.?(out|off)|sign.?(out|off)", re.IGNORECASE)
_ENDS = re.compile(r"delete|remove|reset|clear|destroy|close|cancel|archive|trash|empty", re.IGNORECASE)

VARIANTS = ("valid", "double", "empty", "wrong", "long", "markup")
_FREE = {"text", "search", "textarea"}
INVALID = frozenset({"empty", "wrong", "long", "markup"})


def joins(form: Form, page: dict[str, Any]) -> bool:
    """Whether it makes an account."""
    passwords = _passwords(form)
    said = " ".join([form["action"], page["url"], *(str(one["name"]) for one in form["submits"])])
    return bool(passwords) and (len(passwords) > 1 or (bool(_JOIN.search(said)) and not _ENTER.search(_words(form))))


def enters(form: Form, page: dict[str, Any]) -> bool:
    """Whether one logs in there."""
    return len(_passwords(form)) == 1 and not joins(form, page)


def leaves(name: str, href: str = "") -> bool:
    """Whether a control logs out."""
    return bool(_LEAVE.search(f"{name} {href}"))


def ends_something(name: str) -> bool:
    """Whether a control removes what other tries need."""
    return bool(_ENDS.search(name))


def _words(form: Form) -> str:
    return " ".join(str(one["name"]) for one in form["submits"])


def _passwords(form: Form) -> list[dict[str, Any]]:
    return [field for field in form["fields"] if field["type"] == "password"]


def fields_of(form: Form) -> list[dict[str, Any]]:
    """The fields a visitor can use."""
    return [field for field in form["fields"] if values.fillable(field)]


def target(node: dict[str, Any]) -> Target:
    """How a field or control is found: by role and name, or by selector where those do not name it alone."""
    return Target(role=node["role"], name=repeatable(node["name"]), css=node["css"])


def variants(form: Form, page: dict[str, Any]) -> tuple[str, ...]:
    """Which tries make sense."""
    if form["method"] == "get" and not form["scripted"]:
        tries: tuple[str, ...] = ("valid", "empty", "markup")
    elif joins(form, page) or enters(form, page):
        tries = ("empty", "wrong", "long", "markup")
    else:
        tries = VARIANTS
    free = any(field["type"] in _FREE for field in fields_of(form))
    return tries if free else tuple(variant for variant in tries if variant != "markup")


def actions(form: Form, variant: str, *, given: dict[str, str] | None = None) -> tuple[Action, ...]:
    """Fill the form in and send it. ``given`` are values by the fields' keys."""
    submit = form["submits"][0] if form["submits"] else None
    fields = fields_of(form)
    bare = variant in {"empty", "wrong", "long"} and form["method"] != "get"
    done: list[Action] = []
    if bare and (fields or submit):
        done.append(Action(kind="bare", target=target(submit or fields[0])))
    chosen: set[str] = set()
    for field in fields:
        done += _fill(field, variant, chosen=chosen, given=given or {})
    last = fields[-1] if fields else None
    if submit is not None:
        done.append(Action(kind="double" if variant == "double" else "click", target=target(submit)))
    elif last is not None:
        done.append(Action(kind="press", target=target(last), value="Enter"))
    return tuple(done)


def _fill(field: dict[str, Any], variant: str, *, chosen: set[str], given: dict[str, str]) -> list[Action]:
    at, kind = target(field), field["type"]
    if variant == "empty":
        texts = kind in values.TEXTS or kind in {"number", "date", "time", "month", "week", "datetime-local"}
        return [Action(kind="fill", target=at, value="")] if field["value"] and texts else []
    if kind == "checkbox":
        return [Action(kind="check", target=at)] if field["required"] and not field["checked"] else []
    if kind == "radio":
        if field["key"] in chosen:
            return []
        chosen.add(field["key"])
        return [] if field["checked"] else [Action(kind="check", target=at)]
    if kind.startswith("select"):
        value = values.fitting(field)
        return [Action(kind="select", target=at, value=value)] if value and value != field["value"] else []
    value = given.get(field["key"]) or values.fitting(field)
    if variant == "wrong":
        value = values.wrong(field)
        if values.same_again(field):
            value = "another"
    elif variant == "long" and kind in values.TEXTS:
        value += "x" * values.LONG
    elif variant == "markup" and kind in _FREE:
        value = values.PROBE
    return [Action(kind="fill", target=at, value=value)]


def credentials(form: Form, join: Form) -> dict[str, str]:
    """The values of a log-in form for the account that ``join`` made."""
    made = {field["key"]: values.fitting(field) for field in fields_of(join)}
    texts = [field for field in fields_of(join) if field["type"] in {"text", "email"}]
    found: dict[str, str] = {}
    for field in fields_of(form):
        if field["key"] in made:
            found[field["key"]] = made[field["key"]]
        elif field["type"] == "password":
            found[field["key"]] = values.PASSWORD
        elif texts:
            wanted = values.fitting(field)
            found[field["key"]] = next((v for v in made.values() if v == wanted), values.fitting(texts[0]))
    return found


def twice(actions: tuple[Action, ...]) -> tuple[tuple[Action, ...], tuple[Action, ...], tuple[Action, ...]]:
    """What comes before a double click, the way with a single click instead, and the way with both."""
    clicks = next(number for number, action in enumerate(actions) if action.kind == "double")
    begins = max((number for number in range(clicks) if actions[number].kind == "goto"), default=0)
    once = tuple(
        action.model_copy(update={"kind": "click"}) if action.kind == "double" else action
        for action in actions[begins:]
    )
    return actions[:begins], once, actions[begins:]
