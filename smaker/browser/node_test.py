"""Tests for Node's own runner and playwright-core."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from smaker.browser.inside.forms import twice
from smaker.browser.inside.scripts import BARE, NAMED
from smaker.browser.inside.shapes import like
from smaker.core.ports.browser import UNIQUE, Action, Check, Discovery, Target

_HEAD = """// {words}

const assert = require("node:assert/strict");
const {{ test }} = require("node:test");
const {{ chromium }} = require("playwright-core");

const BASE_URL = (process.env.BASE_URL ?? "http://127.0.0.1:8000").replace(/\\/+$/, "");

function letters() {{
  return "zq" + Array.from({{ length: 6 }}, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join("");
}}

async function settle(page) {{
  await page.waitForTimeout(150);
  await page.waitForLoadState("networkidle");
}}

"""

_TWICE = """// The second click comes while the app's answer to the first is still on its way.
async function clickTwice(page, button) {
  let sent = false;
  let answered = false;
  let clicked;
  const second = new Promise((resolve) => { clicked = resolve; });
  await page.route("**/*", async (route) => {
    if (route.request().method() === "GET" || sent) return route.continue();
    sent = true;
    const answer = await route.fetch({ maxRedirects: 0 });
    answered = true;
    await second;
    await page.waitForTimeout(200);
    await route.fulfill({ response: answer }).catch(() => {}); // the second request may have taken its place
  });
  await button.scrollIntoViewIfNeeded();
  const box = await button.boundingBox();
  const at = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.click(...at);
  for (let waited = 0; !answered && waited < 5000; waited += 50) await page.waitForTimeout(50);
  await page.mouse.click(...at);
  clicked();
  await page.waitForTimeout(500);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await settle(page);
}

"""

_STATE = """const STATE = () => [location.href.replace(/#$/, ""), document.documentElement.outerHTML, scrollX, scrollY,
  ...[...document.querySelectorAll("input,select,textarea")].map((node) => node.value + node.checked),
  localStorage.length, document.querySelectorAll(":popover-open,dialog[open]").length].join("|");

"""

_COUNT = """async function count(page, text) {
  return (await page.locator("body").innerText()).split(text).length - 1;
}

"""

_SOON = """// What is expected may take five seconds to come; white space is one blank.
async function soon(page, holds, expected) {
  for (let left = 50; left > 0; left -= 1) {
    if (await holds()) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`not so: ${expected} (${page.url()})`);
}

async function says(node, text) {
  return (await node.allInnerTexts()).join(" ").split(/\\s+/).join(" ").includes(text);
}

function at(page, pattern) {
  return new RegExp(`^${BASE_URL.replace(/[.*+?^${}()|[\\]\\\\]/g, "\\\\$&")}${pattern}$`).test(page.url());
}

"""

_RUN = """  const args = (process.env.CHROMIUM_ARGS ?? "").split(" ").filter(Boolean);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || undefined, args });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(10_000);
"""

_GAP = re.compile(r"\{(node|shown|value|told)\}")

_LISTEN = {
    "server-error": ['page.on("response", (answer) => answer.status() >= 500 && wrong.push(answer.url()));'],
    "broken-link": [
        'page.on("response", (answer) => [400, 404, 405, 410].includes(answer.status()) && wrong.push(answer.url()));'
    ],
    "failed-request": [
        'page.on("requestfailed", (request) => wrong.push(`${request.url()} ${request.failure()?.errorText}`));',
        'page.on("response", (answer) => [404, 405, 410].includes(answer.status()) && wrong.push(answer.url()));',
    ],
    "console-error": [
        'page.on("console", (said) => said.type() === "error" && !said.text().startsWith("Failed to load") && '
        "wrong.push(said.text()));"
    ],
    "page-error": ['page.on("pageerror", (error) => wrong.push(error.message));'],
    "slow-answer": [
        'page.on("response", (answer) => answer.request().timing().responseStart > {slow} && wrong.push(answer.url()));'
    ],
    "wrong-redirect": [
        'page.on("response", (answer) => answer.status() >= 400 && answer.request().isNavigationRequest() && '
        "wrong.push(answer.url()));"
    ],
    "other-host": [
        'page.on("request", (request) => /^http/.test(request.url()) && !request.url().startsWith(BASE_URL) && '
        "wrong.push(request.url()));"
    ],
    "crash": ['page.on("crash", () => wrong.push("crashed"));'],
    "unresponsive": [
        'page.on("framenavigated", (frame) => wrong.push(frame.url()));',
        'page.on("dialog", (dialog) => { wrong.push(dialog.message()); dialog.dismiss().catch(() => {}); });',
    ],
}


def render(words: str, name: str, check: Check, discovery: Discovery, *, slow_s: float) -> str:
    """The whole file."""
    extra = {"double-submit": _COUNT, "dead-control": _STATE}.get(check, "")
    if any(action.kind == "double" for action in discovery.actions):
        extra = _TWICE + extra
    return _file(words, name, extra, _body(check, discovery, slow_s))


def scenario(words: str, name: str, actions: Sequence[Action]) -> str:
    """The whole file."""
    lines = [_DIALOGS, "let unique = letters();", *(line for action in actions for line in _lines(action))]
    twice = _TWICE if any(action.kind == "double" for action in actions) else ""
    return _file(words, name, twice + _SOON, lines)


def _file(words: str, name: str, extra: str, lines: list[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    head = _HEAD.format(words=words) + extra
    title = json.dumps(name.replace("_", " "))
    return f"{head}test({title}, async () => {{\n{_RUN}{body}  }} finally {{\n    await browser.close();\n  }}\n}});\n"


def _body(check: Check, discovery: Discovery, slow_s: float) -> list[str]:
    actions = discovery.actions
    start = ["let unique = letters();"]
    did = [line for action in actions for line in _lines(action)]
    match check:
        case "double-submit":
            return _double(actions)
        case "dead-control":
            return [
                *start,
                *(line for action in actions[:-1] for line in _lines(action)),
                "const happened = [];",
                "const before = await page.evaluate(STATE);",
                'for (const event of ["request", "dialog", "popup", "download", "console", "pageerror"])',
                "  page.on(event, () => happened.push(event));",
                *_lines(actions[-1]),
                "await page.waitForTimeout(500);",
                "assert.ok(happened.length > 0 || (await page.evaluate(STATE)) !== before);",
            ]
        case "lost-back":
            where = '[page.url(), await page.locator("h1").allInnerTexts()]'
            return [
                *start,
                *(line for action in actions[:-2] for line in _lines(action)),
                f"const before = {where};",
                *_lines(actions[-2]),
                *_lines(actions[-1]),
                f"assert.deepEqual({where}, before);",
            ]
        case "missing-page":
            answer = f"const answer = await page.goto(BASE_URL + {json.dumps(actions[-1].value)});"
            return [answer, "assert.equal(answer.status(), 404);"]
        case "markup":
            return [*start, *did, 'assert.equal(await page.locator("[data-probe]").count(), 0);']
        case "unlabelled":
            target = discovery.target or Target(css="input")
            return [*start, *did, f"assert.ok(await {_locator(target)}.evaluate({' '.join(NAMED.split())}));"]
        case "accessibility":
            return [
                *start,
                *did,
                'await page.evaluate(require("node:fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));',
                f"const found = await page.evaluate((rule) => axe.run(document, {{ runOnly: [rule] }}), "
                f"{json.dumps(discovery.subject)});",
                "assert.deepEqual(found.violations.map((one) => one.nodes.map((node) => node.html)), []);",
            ]
        case "unresponsive":
            return [
                *start,
                "const wrong = [];",
                *_LISTEN[check],
                *did,
                "await page.waitForFunction(() => true, undefined, { timeout: 5000 });",
                "assert.ok(wrong.length < 12);",
            ]
        case _:
            listen = [line.replace("{slow}", f"{slow_s * 1000:g}") for line in _LISTEN[check]]
            inside = ["assert.ok(page.url().startsWith(BASE_URL));"] if check == "wrong-redirect" else []
            return [*start, "const wrong = [];", *listen, *did, "assert.deepEqual(wrong, []);", *inside]


def _double(actions: tuple[Action, ...]) -> list[str]:
    before, once, double = twice(actions)
    lines = ["let unique = letters();", *(line for action in before for line in _lines(action))]
    for name, way in (("one", once), ("two", double)):
        lines += ["unique = letters();", *(line for action in way for line in _lines(action))]
        lines.append(f"const {name} = await count(page, unique);")
    return [*lines, "assert.ok(one > 0);", "assert.equal(two, one);"]


_DIALOGS = 'page.on("dialog", (dialog) => dialog.accept("7"));'

_DOES: dict[str, tuple[str, ...]] = {
    "goto": ("await page.goto(BASE_URL + {value});", "await settle(page);"),
    "back": ('await page.goBack({ waitUntil: "commit" });', "await settle(page);"),
    "reload": ("await page.reload();", "await settle(page);"),
    "click": ("await {node}.click();", "await settle(page);"),
    "dblclick": ("await {node}.dblclick();", "await settle(page);"),
    "double": ("await clickTwice(page, {node});",),
    "hover": ("await {node}.hover();", "await settle(page);"),
    "focus": ("await {node}.focus();", "await settle(page);"),
    "blur": ("await {node}.focus();", "await {node}.blur();", "await settle(page);"),
    "fill": ("await {node}.fill({value});",),
    "select": ("await {node}.selectOption({value});",),
    "check": ("await {node}.check();",),
    "uncheck": ("await {node}.uncheck();",),
    "press": ("await {node}.press({value});", "await settle(page);"),
    "bare": (f"await {{node}}.evaluate({' '.join(BARE.split())});",),
    "text": ("await soon(page, () => says({shown}, {value}), {told});",),
    "gone": ("await soon(page, async () => !(await says({shown}, {value})), {told});",),
    "visible": ("await soon(page, async () => (await {shown}.count()) > 0, {told});",),
    "hidden": ("await soon(page, async () => (await {shown}.count()) === 0, {told});",),
    "count": ("await soon(page, async () => String(await {shown}.count()) === {value}, {told});",),
    "value": ("await soon(page, async () => (await {node}.inputValue()) === {value}, {told});",),
    "checked": ("await soon(page, () => {node}.isChecked(), {told});",),
    "unchecked": ("await soon(page, async () => !(await {node}.isChecked()), {told});",),
    "url": ("await soon(page, () => at(page, {value}), {told});",),
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
    given = {"{node}": node, "{shown}": shown, "{value}": _value(value), "{told}": json.dumps(str(action))}
    return [_GAP.sub(lambda gap: given[gap.group()], line) for line in _DOES[kind]]


def _shown(target: Target) -> str:
    """All that a target names and that can be seen, or the ``nth`` of them."""
    return (_locator(target) if target.nth else _named(target)) + '.locator("visible=true")'


def _locator(target: Target) -> str:
    return _named(target) + (f".nth({target.nth})" if target.nth else ".first()")


def _named(target: Target) -> str:
    if target.css:
        return f"page.locator({json.dumps(target.css)})"
    name = f", {{ name: {_value(target.name)}, exact: true }}" if target.name else ""
    return f"page.getByRole({json.dumps(target.role)}{name})"


def _value(text: str) -> str:
    """The text as an expression; a long end of the same letter is said as such."""
    short = text.rstrip("x")
    if len(text) - len(short) > 100:
        return f'{_value(short)} + "x".repeat({len(text) - len(short)})'
    parts = [json.dumps(part) for part in text.split(UNIQUE)]
    return " + unique + ".join(parts)
