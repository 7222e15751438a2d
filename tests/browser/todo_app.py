"""A list of things to do that lives in its page: renamed by a double click, filtered by what follows "#"."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>To do</title><link rel="icon" href="data:,">
<style>li button { display: none } li:hover button { display: inline }</style></head>
<body><main><h1>To do</h1>
<p>Last: <span id="last">none</span> <span id="fault"></span></p>
<label for="new">New</label> <input id="new">
<ul aria-label="To do">
<li><input type="checkbox" aria-label="Done"> <label>Buy bread</label> <button>Delete</button></li>
<li><input type="checkbox" aria-label="Done"> <label>Buy  tea</label> <button>Delete</button></li>
</ul>
<nav><a href="#/">All</a> <a href="#/active">Active</a></nav></main>
<script>
const fresh = document.querySelector("#new"), last = document.querySelector("#last");
fresh.addEventListener("focus", () => { last.textContent = "focus"; });
fresh.addEventListener("blur", () => { document.querySelector("#fault").textContent = "A name is needed"; });
for (const item of document.querySelectorAll("li")) {
  const label = item.querySelector("label");
  item.querySelector("button").onclick = () => confirm("Delete it?") && item.remove();
  label.ondblclick = () => {
    const field = document.createElement("input");
    field.setAttribute("aria-label", "Rename");
    field.value = label.textContent;
    field.onblur = () => { label.textContent = field.value; field.remove(); label.hidden = false; };
    label.hidden = true;
    item.append(field);
    field.focus();
  };
}
</script></body></html>"""


BLOCKED = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Blocked</title><link rel="icon" href="data:,"></head>
<body><main style="position: relative"><h1>Blocked</h1><button>Save it</button>
<div id="veil" style="position: absolute; inset: 0"></div></main>
<style>#wrap { position: relative } #wrap::after { content: ""; position: absolute; inset: 0 }</style>
<section id="wrap"><button>Inner</button></section>
<p>Price <button style="pointer-events: none">Glass</button></p>
<button disabled>Send</button> <button id="hidden" style="display: none">Never</button>
<input readonly aria-label="Fixed">
</body></html>"""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = (BLOCKED if self.path == "/blocked" else PAGE).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
