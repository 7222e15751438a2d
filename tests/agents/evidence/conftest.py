"""Real runs of pytest and Node's runner on small suites, once each."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from smaker.agents.evidence import read_tests

PYTEST_SUITE = {
    "app/__init__.py": "",
    "app/service.py": """\
def invert(x):
    try:
        return 1 / x
    except ZeroDivisionError as error:
        raise ValueError(f"cannot invert {id(x)} at 0x{id(x):x}") from error
""",
    "tests/acceptance/test_a.py": """\
import pytest
from app.service import invert

@pytest.fixture
def broken():
    raise RuntimeError("fixture")

@pytest.fixture
def late():
    yield 1
    raise RuntimeError("teardown")

class TestX:
    class TestInner:
        def test_inner(self):
            assert 1 + 1 == 3

    @pytest.mark.parametrize("x", [1, 2, "a/b::[c]"])
    def test_cases(self, x):
        assert x == 1

    @pytest.mark.parametrize("x", [1, 2])
    def test_good_cases(self, x):
        assert x < 3

@pytest.mark.requirement("R1")
def test_boom():
    invert(0)

@pytest.mark.requirement("R2")
def test_boom_too():
    invert(0.0)

def test_setup(broken):
    assert broken

def test_teardown(late):
    assert late == 1

@pytest.mark.skip
def test_skipped():
    assert invert(1) == 1

@pytest.mark.xfail
def test_expected_to_fail():
    assert invert(1) == 2

def test_control_characters():
    assert "\\x1b[31mred\\x00" == ""

def test_ok():
    assert invert(2) == 0.5
""",
    "tests/test_import.py": "import missing_module\n\ndef test_one():\n    assert missing_module\n",
    "tests/test_syntax.py": "def test_two(:\n    assert 1\n",
    "pytest.ini": "[pytest]\nmarkers = requirement\npythonpath = .\n",
}

NODE_SUITE = {
    "package.json": '{"type": "module"}',
    "src/invert.js": """\
export function invert(x) {
  if (x === 0) throw new RangeError(`cannot invert ${x}`);
  return 1 / x;
}
""",
    "tests/acceptance/a.test.js": """\
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { invert } from "../../src/invert.js";

test("R1: passes", () => { assert.equal(invert(2), 0.5); });
test("R2: compares", () => { assert.equal(invert(1), 2); });
test("R3: throws", () => { assert.ok(invert(0)); });
describe("group", () => {
  it("R4: nested", () => { assert.ok(invert(1)); });
  describe("inner", () => { it('has "quotes" & <more>', () => { assert.deepEqual({ a: invert(1) }, { a: 2 }); }); });
});
test("R5: parent", async (t) => {
  await t.test("child", () => { assert.ok(invert(0)); });
  await t.test("good child", () => { assert.ok(invert(1)); });
});
test("R6: good parent", async (t) => { await t.test("child", () => { assert.ok(invert(1)); }); });
test.skip("R7: skipped", () => { assert.ok(invert(1)); });
test("R8: skips itself", (t) => { t.skip("because"); });
for (const x of [1, 2, 0]) test(`R9: inverts ${x}`, () => { assert.ok(invert(x)); });
test("same name", () => { assert.ok(invert(1)); });
test("R10: colours", () => { throw new Error("\\x1b[31mred\\x00"); });
""",
    "tests/b.test.js": """\
import assert from "node:assert/strict";
import test from "node:test";
test("same name", () => { assert.ok(process.argv.length === 0); });
""",
    "tests/broken.test.js": """\
import test from "node:test";
import assert from "node:assert/strict";
import { nothing } from "../src/missing.js";
test("R11: never loads", () => { assert.ok(nothing()); });
""",
}


@dataclass(frozen=True)
class Run:
    """What a real run of a suite left."""

    root: Path
    junit: bytes
    output: str
    exit_code: int
    tests: list


def _write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def _run(root: Path, dialect: str, files: dict[str, str], argv: list[str]) -> Run:
    _write(root, files)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "NODE"))}
    done = subprocess.run(argv, cwd=root, env=environment, capture_output=True, text=True, timeout=50, check=False)
    tests = []
    for path, text in files.items():
        if "syntax" not in path:
            tests += read_tests(dialect, path, text)
    return Run(root, (root / "junit.xml").read_bytes(), done.stdout + done.stderr, done.returncode, tests)


@pytest.fixture(scope="session")
def run_of_pytest(tmp_path_factory) -> Run:
    """One run of pytest with every way a test can end."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider",
            "--continue-on-collection-errors", "--junitxml=junit.xml"]  # fmt: skip
    return _run(tmp_path_factory.mktemp("pytest"), "pytest", PYTEST_SUITE, argv)


@pytest.fixture(scope="session")
def run_of_node(tmp_path_factory) -> Run:
    """One run of Node's runner with every way a test can end."""
    node = shutil.which("node") or "node"  # the mark of what asks for it says what is lacking
    argv = [node, "--test", "--test-reporter=junit", "--test-reporter-destination=junit.xml",
            "--test-reporter=spec", "--test-reporter-destination=stdout"]  # fmt: skip
    return _run(tmp_path_factory.mktemp("node"), "node", NODE_SUITE, argv)
