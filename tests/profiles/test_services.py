"""The profiles fastapi-service and web-app, built for specs written by hand: red first, then green, then used."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode

import pytest

from smaker.core.coverage import parse_coverage
from smaker.core.spec import ProductKind, Spec

pytestmark = pytest.mark.timeout(240)  # each builds a project and runs its tests twice

BuildPlan = Callable[..., Any]
KINDS = {"fastapi-service": ProductKind.API, "web-app": ProductKind.WEB}


@dataclass
class Caller:
    """Someone who talks to a running service, with cookies of their own."""

    base: str
    cookies: CookieJar = field(default_factory=CookieJar)

    def __call__(self, method: str, path: str, body: object = None, /, **form: str) -> tuple[int, str, Any]:
        """Send a request with a JSON body or a form; return status, path it led to, and the answer."""
        data = urlencode(form).encode() if form else None if body is None else json.dumps(body).encode()
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        request = urllib.request.Request(self.base + path, data, {"Content-Type": kind}, method=method)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        try:
            answer = opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode()
            parsed = json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
            return answer.status, answer.url.removeprefix(self.base), parsed

    def submit(self, page: str, path: str, /, **form: str) -> tuple[int, str, Any]:
        """Send a form of a page, with the token the page has for it."""
        return self("POST", path, **self.hidden(page, "csrf_token"), **form)

    def hidden(self, page: str, *names: str) -> dict[str, str]:
        """What the first form of a page with such controls has in them."""
        source = self("GET", page)[2]
        return {name: re.findall(rf'name="{name}" value="([\w-]+)"', source)[0] for name in names}


@contextmanager
def running(bench: Any) -> Iterator[Callable[..., Caller]]:
    """Start what was built as its profile says, and give callers of it, with cookies if such are given."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [part.format(port=port) for part in bench.loaded.profile.start]
    path = f"{bench.environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with (bench.folder / "server.log").open("w+") as log:
        server = subprocess.Popen(
            ["/usr/bin/env", *argv], cwd=bench.folder, env={"PATH": path}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(200):
                try:
                    assert Caller(base)("GET", bench.loaded.profile.health)[2] == {"status": "ok"}
                    break
                except urllib.error.URLError:
                    assert server.poll() is None, (bench.folder / "server.log").read_text()
                    time.sleep(0.1)
            yield lambda *cookies: Caller(base, *cookies)
            assert "Traceback" not in (bench.folder / "server.log").read_text()
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture
def spec_of(plan: Callable[[str], Any], make_spec: Callable[..., Spec]) -> Callable[..., Spec]:
    """A function that makes the spec of a plan's name and a profile; people with accounts where records are owned."""

    def make(name: str, profile: str) -> Spec:
        content = plan(name)
        users = any(entity.owned for entity in content["entities"])
        return make_spec(name, profile, KINDS[profile], users=users, **content)

    return make


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        pytest.param("kitchen-sink", "fastapi-service", marks=pytest.mark.slow),
        pytest.param("accounts", "web-app", marks=pytest.mark.slow),
        ("guestbook", "web-app"),
    ],
)
def test_it_is_red_on_the_skeleton_and_green_after_the_blueprints(
    name: str, profile: str, spec_of: Callable[..., Spec], build: BuildPlan
) -> None:
    build(spec_of(name, profile))


def test_every_module_leaves_a_project_that_runs(
    spec_of: Callable[..., Spec], workbench: Callable[[Spec], Any]
) -> None:
    spec = spec_of("books", "fastapi-service")
    bench = workbench(spec)
    for entity in spec.entities:
        bench.implement_entity(entity.name)
        assert bench.lint() == ""
        imported = bench.run(["python", "-c", f"import books.{entity.plural}.api"])
        assert imported.returncode == 0, imported.stderr
    assert set(bench.test("--no-cov").values()) == {"passed"}


def test_stock_moves_and_names_are_safe_from_races(spec_of: Callable[..., Spec], build: BuildPlan) -> None:
    bench = build(spec_of("inventory", "fastapi-service"), measured=True)
    assert (parse_coverage((bench.folder / bench.loaded.profile.coverage).read_bytes()) or 0) > 90
    with running(bench) as caller, ThreadPoolExecutor(8) as pool:
        call = caller()
        lamp = {"sku": "L-1", "name": "Lamp", "price": "19.90"}
        statuses = [answer[0] for answer in pool.map(lambda _: caller()("POST", "/products", lamp), range(8))]
        assert sorted(statuses) == [201, *[409] * 7]
        assert call("GET", "/products")[2]["items"][0]["price"] == "19.90"
        for city in ("Kiel", "Ulm"):
            assert call("POST", "/warehouses", {"name": f"In {city}", "city": city})[0] == 201
        level = call("POST", "/stocks", {"product_id": 1, "warehouse_id": 1, "quantity": 10})[2]
        move = {"product_id": 1, "from_warehouse_id": 1, "to_warehouse_id": 2, "quantity": 3}
        moved = [answer[0] for answer in pool.map(lambda _: caller()("POST", "/stocks/move-stock", move), range(8))]
        assert sorted(moved) == [*[200] * 3, *[409] * 5]
        assert call("GET", f"/stocks/{level['id']}")[2]["quantity"] == 1
        assert sum(item["quantity"] for item in call("GET", "/stocks")[2]["items"]) == 10
        status, _, problem = call("DELETE", "/products/1")
        assert (status, problem["title"], problem["type"]) == (409, "Conflict", "about:blank")
        document = call("GET", "/openapi.json")[2]
        assert list(document["paths"]["/stocks/{stock_id}"]["get"]["responses"]["404"]["content"]) == [
            "application/problem+json"
        ]


def test_notes_are_private(spec_of: Callable[..., Spec], build: BuildPlan) -> None:
    bench = build(spec_of("notes", "web-app"))
    with running(bench) as caller:
        ada, bob = caller(), caller()
        assert ada("GET", "/notes")[1] == "/login?next=%2Fnotes"
        password = "correct horse battery"
        for person, name in ((ada, "ada"), (bob, "bob")):
            form = {"email": f"{name}@example.org", "password": password, "next": "/notes"}
            assert person.submit("/signup", "/signup", **form)[:2] == (200, "/notes")
        status, path, page = ada.submit("/notes/new", "/notes", title="Plan <b>", body="Größer", tags="home, work")
        assert (status, path) == (200, "/notes/1")
        assert "Plan &lt;b&gt;" in page
        assert "The note was added." in page
        assert "The note was added." not in ada("GET", path)[2]
        assert 'href="/notes/1"' in ada("GET", "/notes?q=GR%C3%96SSER")[2]
        assert 'href="/notes/1"' in ada("GET", "/notes?q=work+GR%C3%96SSER")[2]
        for none in ("q=nothing", "q=plan+nothing", "tag=hom", "tag=homework"):
            assert 'href="/notes/1"' not in ada("GET", f"/notes?{none}")[2], none
        page = ada("GET", "/notes?tag=HOME")[2]
        assert 'href="/notes/1"' in page
        assert 'href="/notes?tag=home"' in page
        assert "/notes?q=home" not in page
        assert ada("GET", "/api/notes/1")[2]["tags"] == ["home", "work"]
        for path in ("/notes/1", "/notes/1/edit", "/api/notes/1"):
            assert bob("GET", path)[0] == 404
        assert bob.submit("/notes/new", "/notes/1/delete")[0] == 404
        assert ada("POST", "/notes/1/delete", csrf_token="made up")[0] == 403
        assert ada.submit("/notes", "/logout")[:2] == (200, "/")
        assert ada("GET", "/api/notes/1")[0] == 401
        assert ada.submit("/login", "/login", email="ADA@example.org", password=password)[:2] == (200, "/")
        assert ada("GET", "/api/notes/1")[0] == 200
    stored = (bench.folder / "data" / "notes.db").read_bytes()
    assert password.encode() not in stored


def test_a_form_sent_many_times_at_once_does_one_thing(spec_of: Callable[..., Spec], build: BuildPlan) -> None:
    bench = build(spec_of("guestbook", "web-app"))
    with running(bench) as caller, ThreadPoolExecutor(8) as pool:
        call = caller()
        for number in range(1, 6):
            form = {**call.hidden("/messages/new", "csrf_token", "form_key"), "name": "Ada", "text": "Hello"}

            def send(_: int, form: dict[str, str] = form) -> tuple[int, str]:
                return caller(call.cookies)("POST", "/messages", **form)[:2]

            assert set(pool.map(send, range(8))) == {(200, f"/messages/{number}")}
        assert call("GET", "/api/messages")[2]["total"] == 5
        assert call.submit("/messages/new", "/messages", name="Ada", text="Hello")[1] == "/messages/6"
        assert call.submit("/messages/new", "/messages", name="Ada", text="Hello")[1] == "/messages/7"
