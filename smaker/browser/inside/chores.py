"""What there is to try on a page, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from smaker.browser.inside import forms
from smaker.browser.inside.shapes import own_path, plain, shape
from smaker.core.ports.browser import Action

VISIT, SEND, PRESS, SEND_WRONG, REMOVE, LEAVE = range(6)


@dataclass(frozen=True)
class Place:
    """A page in a state: its address, what was done there since it was loaded, and the way to it from the start."""

    path: str
    route: tuple[Action, ...]
    signed: bool
    local: tuple[Action, ...] = ()

    @property
    def shape(self) -> str:
        """Its address without ids."""
        return shape(self.path)


@dataclass(order=True)
class Chore:
    """Something to try. ``rank`` orders: links, forms, controls, what removes, what logs out."""

    rank: tuple[int, int]
    kind: str = field(compare=False)  # "visit", "press", "form"
    place: Place = field(compare=False)
    actions: tuple[Action, ...] = field(compare=False)
    variant: str = field(default="", compare=False)
    form: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)
    link: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)
    key: tuple[str, ...] = field(default=(), compare=False)  # equal for what need not be tried twice


def offered(place: Place, page: dict[str, Any], origin: str) -> Iterator[Chore]:
    """What the page, seen at ``place``, has: links to the app's own pages, controls, forms."""
    for link in page["links"]:
        yield from _link(place, page, link, origin)
    for form in page["forms"]:
        if forms.fields_of(form):
            yield from _form(place, page, form)
    for control in page["controls"]:
        filled = control["submits"] and control["form"] >= 0 and forms.fields_of(page["forms"][control["form"]])
        if not (control["disabled"] or control["chosen"] or filled or control["type"] == "reset"):
            yield _press(place, control, {})


def _link(place: Place, page: dict[str, Any], link: dict[str, Any], origin: str) -> Iterator[Chore]:
    raw = link["raw"]
    if raw in {"", "#", "#!"} or raw.lower().startswith("javascript:"):
        yield _press(place, link, {"fragment": not raw.lower().startswith("javascript:")})
    elif raw.startswith("#"):
        if not link["lands"]:
            yield _press(place, link, {"fragment": True})
    elif path := own_path(page["base"], raw, origin):
        rank = LEAVE if forms.leaves(link["name"], path) else REMOVE if forms.ends_something(link["name"]) else VISIT
        click = Action(kind="click", target=forms.target(link))
        told = {"path": path, "heading": page["heading"]}
        yield Chore((rank, 0), "visit", place, (click,), link=told, key=("visit", str(place.signed), shape(path)))


def _press(place: Place, control: dict[str, Any], link: dict[str, Any]) -> Chore:
    name = control["name"]
    rank = LEAVE if forms.leaves(name) else REMOVE if forms.ends_something(name) else PRESS
    where = "" if control.get("common") else place.shape.partition("?")[0]
    sends = shape(control.get("sends") or "")
    what = sends if control.get("sends") and sends != control["sends"] else plain(f"{control['role']} {name}")
    click = Action(kind="click", target=forms.target(control))
    return Chore((rank, 0), "press", place, (click,), link=link, key=("press", where, what))


def _form(place: Place, page: dict[str, Any], form: dict[str, Any]) -> Iterator[Chore]:
    sends = shape(form["action"] or place.path).partition("?")[0]
    joins, enters = forms.joins(form, page), forms.enters(form, page)
    told = {**form, "joins": joins, "enters": enters, "apart": joins or enters}
    for variant in ("valid", *forms.variants(form, page)) if joins or enters else forms.variants(form, page):
        rank = SEND if variant == "valid" else SEND_WRONG
        key = ("form", form["method"], sends, " ".join(field["key"] for field in form["fields"]), variant)
        yield Chore((rank, 0), "form", place, forms.actions(form, variant), variant, form=told, key=key)
