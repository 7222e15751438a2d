import shutil
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smaker.agents.evidence import findings_from_lint, findings_from_results
from smaker.agents.evidence.traces import normalised, read_trace, relative
from smaker.core.models import TestResult as Result
from smaker.core.models import TestStatus as Status
from smaker.core.profile import WORKSPACE

PYTHON_CRASH = """
def outer():
    try:
        return {}["a"]
    except KeyError as error:
        raise LookupError(f"no user 42 in /tmp/abc/users-{id(error)}") from error
outer()
"""


def crash(tmp_path, name, source, *argv):
    (tmp_path / "src").mkdir(exist_ok=True)
    (tmp_path / "src" / name).write_text(source)
    done = subprocess.run([*argv, f"src/{name}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr


def test_real_python_crash(tmp_path):
    trace = read_trace(crash(tmp_path, "a.py", PYTHON_CRASH, sys.executable), root=str(tmp_path))
    assert trace is not None
    assert (trace.kind, trace.file, trace.line) == ("LookupError", "src/a.py", 6)
    assert trace.signature == "LookupError: 'no user N in TMP' at src/a.py" or "no user N in TMP" in trace.signature


def test_real_python_syntax_error_and_missing_module(tmp_path):
    trace = read_trace(crash(tmp_path, "b.py", "x = 1\ndef f(:\n", sys.executable), root=str(tmp_path))
    assert trace is not None
    assert (trace.kind, trace.file, trace.line) == ("SyntaxError", "src/b.py", 2)
    trace = read_trace(crash(tmp_path, "c.py", "import no_such\n", sys.executable), root=str(tmp_path))
    assert trace is not None
    assert (trace.kind, trace.message, trace.line) == ("ModuleNotFoundError", "No module named 'no_such'", 1)


@pytest.mark.node
def test_real_node_crashes(tmp_path):
    node = shutil.which("node") or "node"
    root = str(tmp_path)
    thrown = read_trace(crash(tmp_path, "a.mjs", "function f() {\n  null.x;\n}\nf();\n", node), root=root)
    assert thrown is not None
    assert (thrown.kind, thrown.file, thrown.line) == ("TypeError", "src/a.mjs", 2)
    syntax = read_trace(crash(tmp_path, "b.mjs", "const a = 1;\nconst b = ;\n", node, "--check"), root=root)
    assert syntax is not None
    assert (syntax.kind, syntax.file, syntax.line) == ("SyntaxError", "src/b.mjs", 2)
    missing = read_trace(crash(tmp_path, "c.mjs", 'import "./none.js";\n', node), root=root)
    assert missing is not None
    assert (missing.kind, missing.file) == ("Error", None)
    assert "Cannot find module" in missing.message
    (finding,) = findings_from_lint(
        crash(tmp_path, "b.mjs", "const b = ;\n", node, "--check"), "node --check", root=root
    )
    assert (finding.source, finding.file, finding.line) == ("lint", "src/b.mjs", 1)
    assert finding.message == "`node --check`: SyntaxError: Unexpected token ';'"


def test_text_without_a_trace_gives_none():
    assert read_trace("all is well\n1 + 1 = 2") is None
    assert read_trace("") is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("<A object at 0x7f01ab>", "<A object at 0x7fffff>"),
        ("no order 17", "no order 18"),
        ("id 3f2b8c1e-0000-4000-8000-0123456789ab", "id 00000000-0000-4000-8000-0123456789ab"),
        ("commit 1a2b3c4d5e6f", "commit 9f8e7d6c5b4a"),
        ("at 2026-01-02T03:04:05Z", "at 2027-11-12T13:14:15.5+02:00"),
        ("file /tmp/pytest-of-root/pytest-3/x/a.db", "file /tmp/pytest-of-root/pytest-4/y/b.db"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("took 0.31 s", "took 12 s"),
    ],
)
def test_what_differs_from_run_to_run_is_not_in_signatures(first, second):
    assert normalised(first) == normalised(second)


def test_what_tells_causes_apart_stays_in_signatures():
    assert normalised("assert 404 == 201") != normalised("assert 500 == 201")
    assert normalised("no column a") != normalised("no column b")
    assert normalised("table user_1") != normalised("table user_2")


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_normalising_is_stable(text):
    once = normalised(text)
    assert normalised(once) == once


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{WORKSPACE}/app/a.py", "app/a.py"),
        (f"file://{WORKSPACE}/src/a.js", "src/a.js"),
        ("./a.py", "a.py"),
        ("a.py", "a.py"),
        ("/env/lib/python3.11/site-packages/x.py", None),
        ("node_modules/x/y.js", None),
        ("../usr/lib/x.py", None),
        ("<frozen importlib>", None),
        ("node:internal/x", None),
        ("/workers/a.py", None),
    ],
)
def test_only_files_of_the_workspace_are_named(path, expected):
    assert relative(path) == expected


def test_results_without_a_trace_are_findings_too():
    results = [
        Result(id="a::x", status=Status.FAILED, message="test timed out after 20ms"),
        Result(id="a::y", status=Status.FAILED, message="test timed out after 31ms"),
        Result(id="a::z", status=Status.FAILED),
        Result(id="a::ok", status=Status.PASSED, message="fine"),
    ]
    findings = findings_from_results(results)
    assert [finding.test for finding in findings] == ["a::x", "a::z"]
    assert findings[1].message == "a::z: Failed: no reason given"
    assert findings_from_results([]) == ()


RUFF_SOURCE = "import os\nx = undefined_name\n"


@pytest.mark.parametrize("style", ["concise", "json"])
def test_real_ruff_output(tmp_path, style):
    (tmp_path / "a.py").write_text(RUFF_SOURCE)
    (tmp_path / "b.py").write_text("def f(:\n")
    argv = [sys.executable, "-m", "ruff", "check", "--isolated", f"--output-format={style}", "."]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    findings = findings_from_lint(done.stdout, "ruff check .", root=str(tmp_path))
    assert {(finding.file, finding.line) for finding in findings} >= {("a.py", 1), ("a.py", 2), ("b.py", 1)}
    undefined = next(finding for finding in findings if "F821" in finding.message)
    assert undefined.message == "a.py:2: F821 Undefined name `undefined_name`"
    assert {finding.source for finding in findings} == {"lint"}


def test_real_ruff_format_output(tmp_path):
    (tmp_path / "a.py").write_text("x  =   1\n")
    argv = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "."]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    (finding,) = findings_from_lint(done.stdout, "ruff format --check .", root=str(tmp_path))
    assert (finding.file, finding.message) == ("a.py", "a.py: format is not formatted")


def test_other_output_is_evidence():
    (finding,) = findings_from_lint("line one\nindex.html: no title\n", "node tools/check.mjs")
    assert finding.message == "`node tools/check.mjs` failed: index.html: no title"
    (silent,) = findings_from_lint("", "make")
    assert silent.message == "`make` failed: it printed nothing"
    (long,) = findings_from_lint("a" * 50_000, "make")
    assert len(long.evidence) < 4100


@given(st.text(max_size=300))
def test_any_output_gives_at_least_one_finding(output):
    assert findings_from_lint(output, "check")


def test_hostile_output_is_read_in_linear_time():
    parts = ["E   " + "a: " * 20_000, 'File "' + "a" * 100_000, "    at " + "(" * 100_000, "a.py:1: " * 20_000,
             "assert " + " == " * 20_000, "/tmp/" + "/" * 100_000, "1-" * 50_000,
             "Error " * 20_000, "[" * 100_000]  # fmt: skip
    started = time.perf_counter()
    for part in parts:
        read_trace(part)
        findings_from_lint(part, "check")
        normalised(part)
    assert time.perf_counter() - started < 5
