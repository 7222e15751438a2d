"""Records of one field, of any type: no test or module made for them has a name that it does not use, or lacks one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smaker.agents.offline.reader import read_prompt
from smaker.core.errors import Refused
from smaker.profiles import Catalog

PRODUCTS = {
    "cli-tool": "a command line tool to keep",
    "fastapi-service": "a REST API to keep",
    "web-app": "a web app to keep",
    "python-library": "a Python library that keeps",
}
RECORDS = {
    "url": "bookmarks (url); search bookmarks",
    "email": "contacts (email); search contacts",
    "date": "holidays (date); sort holidays by date",
    "amount": "payments (amount); total of payments",
    "flag": "chores (done); filter chores by done",
    "choice": "orders (status: open or closed); search orders",
    "short": "codes (code of at most 5 characters); search codes",
}
CATALOG = Catalog()
SUPPORTED = {loaded.profile.name: loaded.profile.operations for loaded in CATALOG.all()}


@pytest.mark.parametrize("profile", PRODUCTS)
def test_every_name_is_used_and_known(profile: str, tmp_path: Path) -> None:
    read = 0
    for kind, records in RECORDS.items():
        try:
            spec = read_prompt(f"{PRODUCTS[profile]} {records}", profile=profile, supported=SUPPORTED)
        except Refused:
            continue
        read += 1
        loaded = CATALOG.of(spec)
        for folder in ("acceptance", "blueprint"):
            rendered = dict(loaded.render(f"{folder}/project", spec))
            for entity in spec.entities:
                rendered |= loaded.render(f"{folder}/entity", spec, entity=entity)
            for path, text in rendered.items():
                file = tmp_path / kind / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert read > len(RECORDS) // 2
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "--fix", "."]  # as a build does
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert "No Python files" not in checked.stderr
