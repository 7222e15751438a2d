"""What is wrong with what was seen: claims, each about one cause, which are tried again before they are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smaker.browser.inside.scripts import AXE
from smaker.browser.inside.shapes import plain, shape
from smaker.browser.inside.tab import Tab
from smaker.browser.inside.watch import MOST_DIALOGS, MOST_NAVIGATIONS, Answer, Seen
from smaker.core.models import Severity
from smaker.core.ports.browser import Check, Target

_NOT_THERE = {400, 404, 405, 410, 414}
_ASSETS = {"image", "stylesheet", "script", "font", "media", "manifest"}
_RULES_ELSEWHERE = {"label", "select-name"}  # told as "unlabelled"
_LARGEST = 4000  # elements of a page that are looked at for accessibility


@dataclass(frozen=True)
class Claim:
    """Something that is wrong. ``subject`` is what it is about, the same for equal causes."""

    check: Check
    subject: str
    message: str
    expected: str
    seen: str
    severity: Severity = Severity.ERROR
    target: Target | None = None
    rule: str = ""  # "accessibility": axe's
    detail: str = ""
    fragment: bool = False  # "dead-control": a link into its own page

    @property
    def signature(self) -> str:
        """Equal for equal causes."""
        return f"browser:{self.check}:{self.subject}"


def passive(seen: Seen, *, wrong_input: bool = False, slow_s: float) -> Iterator[Claim]:
    """What needs no question: errors, answers, what never ends. ``wrong_input``: a refusal is what was wanted."""
    for answer in seen.answers:
        yield from _of_answer(answer, wrong_input=wrong_input, slow_s=slow_s)
    for method, path, reason in seen.failed:
        yield Claim(
            "failed-request",
            f"{method} {shape(path)}",
            f"{method} {path} gets no answer: {reason}",
            "an answer",
            reason,
        )
    for text in seen.errors:
        yield Claim("page-error", plain(text), f"A script ends with an error: {text}", "no error", text)
    for text in seen.console:
        yield Claim("console-error", plain(text), f"The console shows an error: {text}", "no error", text)
    for source, host in seen.led_out:
        if source:
            yield Claim(
                "wrong-redirect",
                f"{shape(source)} -> {host}",
                f"{source} redirects to another host: {host}",
                "a page of the app",
                host,
            )
    if seen.endless:
        yield Claim(
            "wrong-redirect",
            f"{shape(seen.endless)} endless",
            f"{seen.endless} redirects without end",
            "a page",
            "one redirect after the other",
        )
    for asked in dict.fromkeys(seen.foreign):
        host, _, kind = asked.partition(" ")
        if kind != "document":
            yield Claim(
                "other-host",
                host,
                f"The page asks another host for a {kind}: {host}. Without it the page may not work or look right",
                "everything from the app itself",
                f"{kind} from {host}",
                Severity.WARNING,
            )


def _of_answer(answer: Answer, *, wrong_input: bool, slow_s: float) -> Iterator[Claim]:
    where = f"{answer.method} {answer.path}"
    subject = f"{answer.method} {shape(answer.path)}"
    if answer.status >= 500:
        yield Claim(
            "server-error", subject, f"{where} answers {answer.status}", "no answer of 500 or above", str(answer.status)
        )
    elif answer.redirected and answer.page and answer.status in _NOT_THERE:
        source = answer.redirected[-1]
        yield Claim(
            "wrong-redirect",
            f"{shape(source)} -> {shape(answer.path)}",
            f"{source} redirects to {answer.path}, which answers {answer.status}",
            "a page that is there",
            str(answer.status),
        )
    elif answer.status in _NOT_THERE and answer.kind in _ASSETS:
        yield Claim(
            "broken-link",
            shape(answer.path),
            f"The {answer.kind} {answer.path} answers {answer.status}",
            "a file",
            str(answer.status),
        )
    elif answer.status in _NOT_THERE and not wrong_input and not answer.page and answer.status != 400:
        yield Claim(
            "failed-request",
            subject,
            f"{where}, asked by the page, answers {answer.status}",
            "an answer",
            str(answer.status),
        )
    if answer.seconds > slow_s:
        yield Claim(
            "slow-answer",
            subject,
            f"{where} takes more than {slow_s:g} s",
            f"an answer within {slow_s:g} s",
            f"more than {slow_s:g} s" if not answer.status else f"{answer.seconds:.1f} s",
        )


def broken(seen: Seen) -> Iterator[Claim]:
    """After a link was followed: whether it led to a page."""
    answer = seen.page
    if answer is not None and answer.status in _NOT_THERE and not answer.redirected:
        yield Claim(
            "broken-link",
            shape(answer.path),
            f"A link leads to {answer.path}, which answers {answer.status}",
            "a page",
            str(answer.status),
        )


def stuck(seen: Seen, path: str) -> Claim:
    """Why a page would not go on."""
    path = path.partition("?")[0]
    if seen.crashed:
        return Claim("crash", shape(path), f"The page {path} makes the browser's tab crash", "a page", "a crash")
    if seen.dialogs > MOST_DIALOGS:
        how = "does not stop showing dialogs"
    elif seen.navigations > MOST_NAVIGATIONS:
        how = "does not stop going to other pages by itself"
    else:
        how = "does not answer: a script runs on and on, or the page is too large"
    return Claim(
        "unresponsive", f"{shape(path)} {how.split(':')[0]}", f"The page {path} {how}", "a page that answers", how
    )


def markup(page: dict[str, Any]) -> Claim | None:
    """Whether what a visitor wrote became part of the page itself."""
    if not page["probes"]:
        return None
    where = shape(page["url"])
    return Claim(
        "markup",
        where,
        "What a visitor writes becomes markup of the page: scripts of others can run here (cross-site scripting)",
        "the text as it was written",
        "elements made of it",
        target=Target(css="[data-probe]"),
    )


def unlabelled(page: dict[str, Any], path: str) -> Iterator[Claim]:
    """Fields that nothing names."""
    for field in [*(one for form in page["forms"] for one in form["fields"]), *page["loose"]]:
        if field["shown"] and not field["label"]:
            called = field["key"] or field["css"]
            hint = f"; its placeholder “{field['hint']}” goes away when one types" if field["hint"] else ""
            yield Claim(
                "unlabelled",
                called,
                f"The field “{called}” on {path} has no label{hint}",
                "a label, aria-label or title",
                "none",
                Severity.WARNING if field["hint"] else Severity.ERROR,
                Target(css=field["css"]),
            )


async def inaccessible(tab: Tab, axe: str, path: str, size: int, rules: tuple[str, ...] = ()) -> list[Claim]:
    """What axe-core finds, one claim for each of its rules."""
    if size > _LARGEST:
        return []
    if not await tab.evaluate("() => typeof axe === 'object'"):
        await tab.evaluate(axe)
    return [
        Claim(
            "accessibility",
            f"{one['id']} {plain(one['html'].split('>')[0])}",
            f"Accessibility: {one['help']} ({one['id']}, {one['impact']}), {_times(one['number'])} on {path}",
            one["help"],
            one["html"],
            Severity.ERROR if one["impact"] in {"serious", "critical"} else Severity.WARNING,
            Target(css=one["css"]),
            one["id"],
            one["why"],
        )
        for one in await tab.evaluate(AXE, list(rules))
        if rules or one["id"] not in _RULES_ELSEWHERE
    ]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
