"""A proof bundle is seen again from a clean clone; a byte that differs, or a claim that is not true, is found."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.exhibits import exhibit_checks
from smaker.core.bundle import Bundle, packed, unpacked
from smaker.core.errors import UsageError

Built = tuple[Any, str]
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def bundle(built: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The proof of the project that all tests share, and what was said of it."""
    program, project = built
    path = tmp_path_factory.mktemp("proof") / "site.proof"
    return path, program.json("export", project, str(path), "--proof")


def test_all_that_it_claims_is_seen_again(built: Built, bundle: tuple[Path, dict[str, Any]]) -> None:
    program, project = built
    path, told = bundle
    seen = program.json("verify", str(path), "--digest", told["digest"])
    assert seen["holds"] is True
    assert seen["head"] == program.json("status", project)["head"]
    assert [check["name"] for check in seen["checks"]] == [
        "bundle",
        "ledger",
        "history",
        "plan",
        "tests as proved",
        "tests",
        "requirements",
        "red first",
    ]
    assert "exists" in program.json("export", project, str(path), "--proof", code=2)["error"]["message"]
    assert program.json("verify", str(path), "--digest", "0" * 64, code=1)["error"]["code"] == "E_BUNDLE"


def test_a_byte_that_differs_is_found(bundle: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    data = bundle[0].read_bytes()
    chance = random.Random(7)
    places = [*range(60), *range(len(data) - 200, len(data)), *(chance.randrange(len(data)) for _ in range(200))]
    damaged = tmp_path / "damaged.proof"
    for place in places:
        damaged.write_bytes(data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :])
        with pytest.raises(UsageError) as raised:
            unpacked(damaged)
        assert raised.value.code == "E_BUNDLE"
    for wrong in (b"", b"PK", data[:-1], data + b"x", b"x" + data):
        damaged.write_bytes(wrong)
        with pytest.raises(UsageError):
            unpacked(damaged)


def test_a_damaged_or_missing_file_is_told(built: Built, tmp_path: Path) -> None:
    program, _ = built
    (tmp_path / "x.proof").write_bytes(b"no bundle")
    assert program.json("verify", str(tmp_path / "x.proof"), code=2)["error"]["code"] == "E_BUNDLE"
    assert "smaker export ID --proof" in program.json("verify", str(tmp_path / "no"), code=2)["error"]["hint"]


def test_what_is_not_proved_has_no_bundle(forked: Built, tmp_path: Path) -> None:
    program, project = forked
    folder = Path(program.json("status", project)["workspace"])
    (folder / "index.html").write_text("<h1>mine</h1>")
    error = program.json("export", project, str(tmp_path / "no.proof"), "--proof", code=1)["error"]
    assert error["code"] == "E_UNPROVED"
    assert "changed since the last run" in error["message"]
    assert not (tmp_path / "no.proof").exists()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_pictures_are_those_that_were_taken_and_a_page_that_breaks_is_told(
    forked: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, project = forked
    monkeypatch.setenv("SMAKER_BROWSER__ENABLED", "true")
    assert program.json("web", project)["state"] == "READY"
    path = tmp_path / "site.proof"
    program.json("export", project, str(path), "--proof")
    true = unpacked(path)
    about = true.claims.about
    visits = [shown.title for shown in true.claims.exhibits]
    assert {"Read the page", "Switch prices", "Use the contact form"} <= {*visits}
    [check] = exhibit_checks(true, {about.tree: about.head})
    assert check.ok, check.seen
    assert ("pictures", True) in [(one["name"], one["ok"]) for one in program.json("verify", str(path))["checks"]]
    picture = "artifacts/screenshot/Switch prices/step-4.png"  # of yearly prices
    other = true.files["artifacts/screenshot/Read the page/step-1.png"]
    shown = json.loads(true.files["exhibits.json"])
    next(one for one in shown if one["title"] == "Switch prices")["output"]["files"].clear()
    for forged in (
        {**true.files, picture: other},
        {name: data for name, data in true.files.items() if name != picture},
        {**true.files, "exhibits.json": json.dumps(shown).encode()},
    ):
        path.write_bytes(packed(forged)[0])
        [check] = exhibit_checks(unpacked(path), {about.tree: about.head})
        assert not check.ok

    script = Path(program.json("status", project)["workspace"]) / "src" / "pricing.js"
    script.write_text(script.read_text().replace('yearly: "per year"', 'yearly: "per week"'))
    error = program.json("web", project, code=1)["error"]
    assert "Switch prices: text [data-billing-status] 'Prices are now per year.'" in error["message"]


def _history(files: Files, folder: Path, change: Callable[[Path], None]) -> Files:
    """The same claims over a history whose last commit is another."""

    def git(*words: str) -> str:
        identity = ["-c", "user.name=f", "-c", "user.email=f@example.org"]
        done = subprocess.run(["git", *identity, *words], cwd=folder / "copy", check=True, capture_output=True)
        return done.stdout.decode().strip()

    (folder / "b").write_bytes(files["repository.bundle"])
    subprocess.run(["git", "clone", "-q", str(folder / "b"), str(folder / "copy")], check=True)
    change(folder / "copy")
    git("commit", "-qam", "forged")
    git("bundle", "create", "-q", str(folder / "forged"), "HEAD", "main")
    head, tree = git("rev-parse", "HEAD"), git("rev-parse", "HEAD^{tree}")
    about = {**json.loads(files["about.json"]), "head": head, "tree": tree}
    report = {**json.loads(files["report.json"]), "tree": tree}
    return {
        **files,
        "about.json": json.dumps(about).encode(),
        "report.json": json.dumps(report).encode(),
        "repository.bundle": (folder / "forged").read_bytes(),
    }


def _weakened(folder: Path) -> None:
    for path in (folder / "tests" / "acceptance").rglob("*.test.*"):
        path.write_text(re.sub(r"assert\.\w+\(", "assert.ok(true || ", path.read_text()))


def _broken(folder: Path) -> None:
    (folder / "index.html").write_text("<h1>nothing</h1>")


def _replanned(folder: Path) -> None:
    path = folder / ".smaker" / "spec.yaml"
    path.write_text(path.read_text().replace("summary: ", "summary: not "))


def _red_where_it_is_done(files: Files, bundle: Bundle) -> Files:
    head = bundle.claims.about.head
    return {**files, "proofs.json": json.dumps([{**entry, "red_on": head} for entry in _proofs(files)]).encode()}


def _red_nowhere(files: Files, bundle: Bundle) -> Files:
    del bundle
    return {**files, "proofs.json": json.dumps([{**entry, "red_on": "1" * 40} for entry in _proofs(files)]).encode()}


def _proofs(files: Files) -> list[dict[str, Any]]:
    return json.loads(files["proofs.json"])


def _fewer_proofs(files: Files, bundle: Bundle) -> Files:
    del bundle
    return {**files, "proofs.json": json.dumps(_proofs(files)[1:2]).encode()}


def _more_tests(files: Files, bundle: Bundle) -> Files:
    del bundle
    report = json.loads(files["report.json"])
    report["results"].append({"id": "tests/acceptance/x.test.mjs::never", "status": "passed"})
    return {**files, "report.json": json.dumps(report).encode()}


def _ledger(files: Files, bundle: Bundle) -> Files:
    del bundle
    lines = files["ledger.jsonl"].splitlines(keepends=True)
    return {**files, "ledger.jsonl": b"".join([*lines[:3], *lines[4:]])}


@pytest.mark.parametrize(
    ("forge", "caught"),
    [
        (_ledger, "ledger"),
        (_more_tests, "tests"),
        (_fewer_proofs, "requirements"),
        (_red_where_it_is_done, "red first"),
        (_red_nowhere, "red first"),
        (_weakened, "tests as proved"),
        (_broken, "tests"),
        (_replanned, "plan"),
    ],
)
def test_a_claim_that_is_not_true_is_found(
    built: Built, bundle: tuple[Path, dict[str, Any]], tmp_path: Path, forge: Any, caught: str
) -> None:
    program, _ = built
    true = unpacked(bundle[0])
    files = dict(true.files)
    forged = _history(files, tmp_path, forge) if forge in {_weakened, _broken, _replanned} else forge(files, true)
    data, digest = packed(forged)
    assert digest != true.digest
    (tmp_path / "forged.proof").write_bytes(data)
    seen = program.json("verify", str(tmp_path / "forged.proof"), code=1)
    assert seen["holds"] is False
    assert caught in {check["name"] for check in seen["checks"] if not check["ok"]}
