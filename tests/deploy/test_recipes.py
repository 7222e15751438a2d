"""Container files for projects that bring none."""

from __future__ import annotations

from typing import Any

import pytest

from smaker.core.errors import UsageError
from smaker.core.http_probe import http_get
from smaker.core.profile import Profile
from smaker.deploy.recipes import lacking
from smaker.profiles import Catalog

PROGRAM = """import http.server, sys
host, port = sys.argv[1], int(sys.argv[2])
http.server.ThreadingHTTPServer((host, port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def python() -> Profile:
    start = ("python", "-u", "serve.py", "127.0.0.1", "{port}")
    return Catalog().load("python").profile.model_copy(update={"start": start, "port": 8000, "health": "/"})


@pytest.mark.timeout(120)
async def test_what_is_written_runs(yard: Any, python: Profile) -> None:
    written = yard.target.lacking(python, "shop", ["serve.py"])
    assert set(written) == {"Dockerfile", "compose.yaml", ".dockerignore"}
    yard.profile = python
    files = {path: ("100644", data) for path, data in written.items()} | {"serve.py": ("100644", PROGRAM.encode())}
    done = await yard.deploy(files)
    assert done.deployment is not None, done.findings
    port = int(done.deployment.url.rpartition(":")[2])
    assert await http_get(port, "/serve.py", timeout_s=5) == (200, PROGRAM.encode())
    assert done.findings == ()


def test_what_is_there_is_kept(python: Profile) -> None:
    assert lacking(python, "shop", ["docker-compose.yml"]) == {}
    assert set(lacking(python, "shop", ["Dockerfile", ".dockerignore"])) == {"compose.yaml"}


def test_packages_are_installed_as_the_project_declares_them(python: Profile) -> None:
    text = lacking(python, "shop", ["requirements.txt", "pyproject.toml"])["Dockerfile"].decode()
    assert "RUN pip install --no-cache-dir -r requirements.txt\nRUN pip install --no-cache-dir .\n" in text
    node = (
        Catalog()
        .load("node")
        .profile.model_copy(update={"start": ("node", "index.js"), "port": 3000, "variables": {"PORT": "{port}"}})
    )
    text = lacking(node, "shop", ["package.json", "package-lock.json"])["Dockerfile"].decode()
    assert text.startswith("FROM node:")
    assert "RUN npm ci --omit=dev\n" in text
    assert 'ENV PORT="3000"\n' in text
    assert "EXPOSE 3000" in text


def test_what_has_no_server_is_not_deployed() -> None:
    with pytest.raises(UsageError, match="nothing that runs in the background"):
        lacking(Catalog().load("cli-tool").profile, "shop", [])
