"""Tests for pytest and Playwright's synchronous interface."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from smaker.browser.inside.forms import twice
from smaker.browser.inside.scripts import BARE, NAMED
from smaker.browser.inside.shapes import like
from smaker.core.ports.browser import UNIQUE, Action, Check, Discovery, Target

_HEAD = '''"""{words}"""
# ruff: noqa
# fmt: off

import os
import random
{re}import string
from collections.abc import Iterator

import pytest
{imports}
BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000").rstrip("/")


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        arguments = os.environ.get("CHROMIUM_ARGS", "").split()
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM") or None, args=arguments)
        page = browser.new_page()
        page.set_default_timeout(10_000)
        yield page
        browser.close()


def letters() -> str:
    return "zq" + "".join(random.choices(string.ascii_lowercase, k=6))


def settle(page: Page) -> None:
    page.wait_for_timeout(150)
    page.wait_for_load_state("networkidle")


'''

_TWICE = '''def click_twice(page: Page, button: Locator) -> None:
    """The second click comes while the app's answer to the first is still on its way."""
    sent, answered, clicked = [], [], []

    def hold(route: Route) -> None:
        if route.request.method == "GET" or sent:
            route.continue_()
            return
        sent.append(route.request.url)
        answer = route.fetch(max_redirects=0)
        answered.append(True)
        while not clicked:
            page.wait_for_timeout(50)
        try:
            page.wait_for_timeout(200)
            route.fulfill(response=answer)
        except Error:
            pass  # the second request took its place

    page.route("**/*", hold)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(*at)
    for _ in range(100):
        if not answered:
            page.wait_for_timeout(50)
    page.mouse.click(*at)
    clicked.append(True)
    page.wait_for_timeout(500)
    page.unroute("**/*")
    settle(page)


'''

_SAYS = '''def says(node: Locator, text: str, wanted: bool = True) -> None:
    """White space is one blank; what is wanted may take five seconds to come."""
    shown = ""
    for _ in range(50):
        shown = " ".join("\\n".join(node.all_inner_texts()).split())
        if (text in shown) is wanted:
            return
        node.page.wait_for_timeout(100)
    assert (text in shown) is wanted, f"{text!r} is {'not' if wanted else 'still'} in {shown!r}"


'''

_STATE = '''STATE = """() => [location.href.replace(/#$/, ""), document.documentElement.outerHTML, scrollX, scrollY,
  ...[...document.querySelectorAll("input,select,textarea")].map(node => node.value + node.checked),
  localStorage.length, document.querySelectorAll(":popover-open,dialog[open]").length].join("|")"""


'''

_GAP = re.compile(r"\{(node|shown|value)\}")

_LISTEN = {
    "server-error": ['page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 500 else None)'],
    "broken-link": [
        'page.on("response", lambda answer: wrong.append(answer.url) '
        "if answer.status in {400, 404, 405, 410} else None)"
    ],
    "failed-request": [
        'page.on("requestfailed", lambda request: wrong.append(f"{request.url} {request.failure}"))',
        'page.on("response", lambda answer: wrong.append(answer.url) if answer.status in {404, 405, 410} else None)',
    ],
    "console-error": [
        'page.on("console", lambda said: wrong.append(said.text) '
        'if said.type == "error" and not said.text.startswith("Failed to load") else None)'
    ],
    "page-error": ['page.on("pageerror", lambda error: wrong.append(error.message))'],
    "slow-answer": [
        'page.on("response", lambda answer: wrong.append(answer.url) '
        'if answer.request.timing["responseStart"] > {slow} else None)'
    ],
    "wrong-redirect": [
        'page.on("response", lambda answer: wrong.append(answer.url) '
        "if answer.status >= 400 and answer.request.is_navigation_request() else None)"
    ],
    "other-host": [
        'page.on("request", lambda request: wrong.append(request.url) '
        'if request.url.startswith("http") and not request.url.startswith(BASE_URL) else None)'
    ],
    "crash": ['page.on("crash", lambda _: wrong.append("crashed"))'],
    "unresponsive": [
        'page.on("framenavigated", lambda frame: visited.append(frame.url))',
        'page.on("dialog", lambda dialog: (visited.append(dialog.message), dialog.dismiss()))',
    ],
}


def render(words: str, name: str, check: Check, discovery: Discovery, *, slow_s: float) -> str:
    """The whole file."""
    lines = _body(check, discovery, slow_s)
    extra = _STATE if check == "dead-control" else ""
    first = "from axe_playwright_python.sync_playwright import Axe\n" if check == "accessibility" else ""
    return _file(words, name, lines, discovery.actions, first=first, extra=extra)


def scenario(words: str, name: str, actions: Sequence[Action]) -> str:
    """The whole file."""
    lines = [_DIALOGS, "unique = letters()", *(line for action in actions for line in _lines(action))]
    return _file(words, name, lines, actions)


def _file(
    words: str, name: str, lines: Sequence[str], actions: Sequence[Action], *, first: str = "", extra: str = ""
) -> str:
    imports = {"Page", "sync_playwright"}
    if any(action.kind == "double" for action in actions):
        imports |= {"Error", "Locator", "Route"}
        extra += _TWICE
    if any(action.kind in {"text", "gone"} for action in actions):
        imports.add("Locator")
        extra += _SAYS
    body = "\n".join(f"    {line}" for line in lines)
    imports |= {"expect"} if "expect(" in body else set()
    named = ", ".join(sorted(imports, key=lambda one: (one.islower(), one)))
    head = _HEAD.replace("{words}", words).replace("{imports}", f"{first}from playwright.sync_api import {named}\n")
    head = head.replace("{re}", "import re\n" if "re.compile(" in body else "")
    return f"{head}{extra}def test_{name}(page: Page) -> None:\n{body}\n"


def _body(check: Check, discovery: Discovery, slow_s: float) -> list[str]:
    actions = discovery.actions
    did = [line for action in actions for line in _lines(action)]
    start = ["unique = letters()"]
    match check:
        case "double-submit":
            return _double(actions)
        case "dead-control":
            before = [line for action in actions[:-1] for line in _lines(action)]
            return [
                *start,
                *before,
                "before, happened = page.evaluate(STATE), []",
                'for event in ("request", "dialog", "popup", "download", "console", "pageerror"):',
                "    page.on(event, lambda *_: happened.append(event))",
                *_lines(actions[-1]),
                "page.wait_for_timeout(500)",
                "assert happened or page.evaluate(STATE) != before",
            ]
        case "lost-back":
            before = [line for action in actions[:-2] for line in _lines(action)]
            return [
                *start,
                *before,
                'url, heading = page.url, page.locator("h1").all_inner_texts()',
                *_lines(actions[-2]),
                *_lines(actions[-1]),
                'assert (page.url, page.locator("h1").all_inner_texts()) == (url, heading)',
            ]
        case "missing-page":
            answer = f"answer = page.goto(BASE_URL + {actions[-1].value!r})"
            return [answer, "assert answer is not None", "assert answer.status == 404"]
        case "markup":
            return [*start, *did, 'assert page.locator("[data-probe]").count() == 0']
        case "unlabelled":
            target = discovery.target or Target(css="input")
            return [*start, *did, f"assert {_locator(target)}.evaluate({' '.join(NAMED.split())!r})"]
        case "accessibility":
            run = f'found = Axe().run(page, options={{"runOnly": [{discovery.subject!r}]}})'
            return [*start, *did, run, "assert found.violations_count == 0, found.generate_report()"]
        case "unresponsive":
            return [
                *start,
                "visited: list[str] = []",
                *_LISTEN[check],
                *did,
                'page.wait_for_function("() => true", timeout=5000)',
                "assert len(visited) < 12",
            ]
        case _:
            listen = [line.replace("{slow}", f"{slow_s * 1000:g}") for line in _LISTEN[check]]
            inside = ["assert page.url.startswith(BASE_URL)"] if check == "wrong-redirect" else []
            return [*start, "wrong: list[str] = []", *listen, *did, "assert wrong == []", *inside]


def _double(actions: tuple[Action, ...]) -> list[str]:
    before, once, double = twice(actions)
    lines = ["unique = letters()", *(line for action in before for line in _lines(action))]
    for name, way in (("one", once), ("two", double)):
        lines += ["unique = letters()", *(line for action in way for line in _lines(action))]
        lines += [f'{name} = page.locator("body").inner_text().count(unique)']
    return [*lines, "assert one > 0", "assert two == one"]


_DIALOGS = 'page.on("dialog", lambda dialog: dialog.accept("7"))'

_DOES: dict[str, tuple[str, ...]] = {
    "goto": ("page.goto(BASE_URL + {value})", "settle(page)"),
    "back": ('page.go_back(wait_until="commit")', "settle(page)"),
    "reload": ("page.reload()", "settle(page)"),
    "click": ("{node}.click()", "settle(page)"),
    "dblclick": ("{node}.dblclick()", "settle(page)"),
    "double": ("click_twice(page, {node})",),
    "hover": ("{node}.hover()", "settle(page)"),
    "focus": ("{node}.focus()", "settle(page)"),
    "blur": ("{node}.focus()", "{node}.blur()", "settle(page)"),
    "fill": ("{node}.fill({value})",),
    "select": ("{node}.select_option({value})",),
    "check": ("{node}.check()",),
    "uncheck": ("{node}.uncheck()",),
    "press": ("{node}.press({value})", "settle(page)"),
    "bare": (f"{{node}}.evaluate({' '.join(BARE.split())!r})",),
    "text": ("says({shown}, {value})",),
    "gone": ("says({shown}, {value}, wanted=False)",),
    "visible": ("expect({shown}).not_to_have_count(0)",),
    "hidden": ("expect({shown}).to_have_count(0)",),
    "count": ("expect({shown}).to_have_count(int({value}))",),
    "value": ("expect({node}).to_have_value({value})",),
    "checked": ("expect({node}).to_be_checked()",),
    "unchecked": ("expect({node}).not_to_be_checked()",),
    "url": ('expect(page).to_have_url(re.compile("^" + re.escape(BASE_URL) + {value} + "$"))',),
}


def _lines(action: Action) -> list[str]:
    body = 'page.locator("body")'
    node, shown = (_locator(action.target), _shown(action.target)) if action.target else (body, body)
    kind, value = action.kind, action.value
    if kind == "gone" and not value:
        kind = "hidden"
    elif kind in {"text", "gone"}:
        value = " ".join(value.split())
    elif kind == "url":
        value = like(value)
    given = {"{node}": node, "{shown}": shown, "{value}": _value(value)}
    return [_GAP.sub(lambda gap: given[gap.group()], line) for line in _DOES[kind]]


def _shown(target: Target) -> str:
    """All that a target names and that can be seen, or the ``nth`` of them."""
    return (_locator(target) if target.nth else _named(target)) + '.locator("visible=true")'


def _locator(target: Target) -> str:
    return _named(target) + (f".nth({target.nth})" if target.nth else ".first")


def _named(target: Target) -> str:
    if target.css:
        return f"page.locator({_quoted(target.css)})"
    name = f", name={_value(target.name)}, exact=True" if target.name else ""
    return f"page.get_by_role({_quoted(target.role)}{name})"


def _value(text: str) -> str:
    """The text as an expression; a long end of the same letter is said as such."""
    short = text.rstrip("x")
    if len(text) - len(short) > 100:
        return f"{_value(short)} + 'x' * {len(text) - len(short)}"
    return f'{_quoted(text)}.replace("{UNIQUE}", unique)' if UNIQUE in text else _quoted(text)


def _quoted(text: str) -> str:
    """A text as Python says it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)
