"""A small app for notes, with twelve faults that can be planted: ``seeded_app.py PORT [FAULT,FAULT,…]``.

Standard library only, for it runs in a box. Without a fault nothing is wrong with it.
"""

from __future__ import annotations

import secrets
import sys
import time
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FAULTS = (
    "empty-500",
    "dead-button",
    "console-error",
    "broken-link",
    "unlabelled",
    "double-submit",
    "lost-back",
    "xss",
    "missing-404",
    "slow",
    "wrong-redirect",
    "contrast",
)
PLANTED = set(filter(None, sys.argv[2].split(","))) if len(sys.argv) > 2 else set()
SLOW_S = 2.6

NOTES: dict[int, tuple[str, str]] = {1: ("Milk", "Two litres"), 2: ("Bread", "Rye")}
USED: set[str] = set()

STYLE = """body { font: 16px sans-serif; margin: 2rem; color: #222; background: #fff }
.aside { color: %s }""" % ("#c9c9c9" if "contrast" in PLANTED else "#444")


def page(title: str, body: str) -> str:
    manual = "/manual" if "broken-link" in PLANTED else "/help"
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head><body>
<nav><a href="/">Notes</a> <a href="/new">New note</a> <a href="/about">About</a> <a href="/stats">Figures</a>
<a href="{manual}">Manual</a></nav><main><h1>{escape(title)}</h1>{body}</main></body></html>"""


def home(query: str | None) -> str:
    found = {k: v for k, v in NOTES.items() if query is None or query.lower() in " ".join(v).lower()}
    rows = "".join(
        f'<li><a href="/notes/{number}">{escape(title)}</a>'
        f'<form method="post" action="/notes/{number}/delete"><button>Delete {escape(title)}</button>'
        f"</form></li>"
        for number, (title, _) in found.items()
    )
    echo = "" if query is None else f"<p>Found for: {query if 'xss' in PLANTED else escape(query)}</p>"
    toggle = "" if "dead-button" in PLANTED else "document.getElementById('tips').hidden ^= 1"
    return page(
        "Notes",
        f"""<form action="/"><label>Search <input type="search" name="q"></label><button>Search</button></form>{echo}
<ul>{rows}</ul><p class="aside">{len(NOTES)} notes are kept.</p>
<button type="button" onclick="{toggle}">Tips</button><p id="tips" hidden>Keep them short.</p>""",
    )


def new(problem: str = "") -> str:
    label = "" if "unlabelled" in PLANTED else '<label for="body">Text</label>'
    shown = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return page(
        "New note",
        f"""{shown}<form method="post" action="/notes"><input type="hidden" name="once" value="{secrets.token_hex(8)}">
<p><label for="title">Title</label> <input id="title" name="title" maxlength="200"></p>
<p>{label} <textarea id="body" name="body"></textarea></p><button>Save</button></form>""",
    )


def about() -> str:
    script = "<script>console.error('the counter is not set up')</script>" if "console-error" in PLANTED else ""
    return page("About", f'<p>A place for notes. <a href="/help">How it is used</a></p>{script}')


def manual() -> str:
    trap = """<script>history.pushState(1, "", location.href);
addEventListener("popstate", () => history.pushState(1, "", location.href))</script>"""
    return page("Help", f"<p>Write, and save.</p>{trap if 'lost-back' in PLANTED else ''}")


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: str, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/":
            self.answer(200, home(query["q"][0] if "q" in query else None))
        elif parts.path == "/style.css":
            self.answer(200, STYLE, "text/css")
        elif parts.path == "/new":
            self.answer(200, new())
        elif parts.path == "/about":
            self.answer(200, about())
        elif parts.path == "/help":
            self.answer(200, manual())
        elif parts.path == "/stats":
            time.sleep(SLOW_S if "slow" in PLANTED else 0)
            self.answer(200, page("Figures", f"<p>{len(NOTES)} notes.</p>"))
        elif parts.path.startswith("/notes/") and (note := NOTES.get(int(parts.path.split("/")[2] or 0))):
            self.answer(200, page(note[0], f'<p>{escape(note[1])}</p><p><a href="/">All notes</a></p>'))
        else:
            status = 200 if "missing-404" in PLANTED and parts.path not in {"/manual", "/gone"} else 404
            self.answer(status, page("Not here", "<p>There is no such page.</p>"))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace"))
        if self.path == "/notes":
            self.save(form.get("title", [""])[0].strip(), form.get("body", [""])[0], form.get("once", [""])[0])
        elif self.path.startswith("/notes/") and self.path.endswith("/delete"):
            NOTES.pop(int(self.path.split("/")[2]), None)
            self.answer(303, "", Location="/gone" if "wrong-redirect" in PLANTED else "/")
        else:
            self.answer(404, page("Not here", ""))

    def save(self, title: str, body: str, once: str) -> None:
        if not title and "empty-500" in PLANTED:
            self.answer(500, page("Error", "<p>IndexError</p>"))
        elif not title or len(title) > 200:
            self.answer(422, new("A title of at most 200 letters is needed."))
        else:
            if once not in USED or "double-submit" in PLANTED:
                USED.add(once)
                NOTES[max(NOTES, default=0) + 1] = (title, body)
            self.answer(303, "", Location="/")

    def log_message(self, *words: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
