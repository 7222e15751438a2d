"""What a finding tells of what the software printed, and how it is put together."""

from __future__ import annotations

from smaker.agents.model.found import EVIDENCE_SHOWN, findings_text
from smaker.agents.web.findings import from_path, left_untested, path_wrong, stands
from smaker.agents.web.paths import KeptPath, Untested
from smaker.agents.web.printed import LOG_SHOWN, telling
from smaker.core.browsing import Printed, Visit
from smaker.core.models import Severity
from smaker.core.ports.browser import Action, BrowserResult, Played

NOISE = """127.0.0.1 - - [23/Nov/2026 01:00:00] "GET / HTTP/1.1" 200 -
127.0.0.1 - - [23/Nov/2026 01:00:00] "GET /style.css HTTP/1.1" 200 -
127.0.0.1 - - [23/Nov/2026 01:00:00] "GET /app.js?v=3 HTTP/1.1" 304 -
INFO:     127.0.0.1:40652 - "GET /favicon.ico HTTP/1.1" 200 OK
INFO:     127.0.0.1:40652 - "GET / HTTP/1.1" 200 OK
INFO:     127.0.0.1:40653 - "GET / HTTP/1.1" 200 OK
GET /logo.svg 200 1.234 ms - 815
127.0.0.1 - - [23/Nov/2026 01:00:09] "GET / HTTP/1.1" 200 -

127.0.0.1 - - [23/Nov/2026 01:00:09] "GET /lost.css HTTP/1.1" 404 -
GET /notes/7 200 3.1 ms - 20
GET /notes/8 200 3.1 ms - 20
  File "serve.py", line 20, in add
  File "serve.py", line 31, in save
KeyError: 'title'
"""


def test_static_files_and_repetitions_are_left_out_and_counted() -> None:
    assert telling(NOISE).splitlines() == [
        '127.0.0.1 - - [23/Nov/2026 01:00:00] "GET / HTTP/1.1" 200 -',
        'INFO:     127.0.0.1:40652 - "GET / HTTP/1.1" 200 OK',
        '127.0.0.1 - - [23/Nov/2026 01:00:09] "GET /lost.css HTTP/1.1" 404 -',
        "GET /notes/7 200 3.1 ms - 20",
        "GET /notes/8 200 3.1 ms - 20",
        '  File "serve.py", line 20, in add',
        '  File "serve.py", line 31, in save',
        "KeyError: 'title'",
        "(6 lines left out: static files, repetitions)",
    ]
    assert telling('x "GET /a.css HTTP/1.1" 200 -\n') == ""


def test_of_a_long_log_the_end_is_told() -> None:
    shown = telling("\n".join(f"line {number:04} of many" for number in range(500)))
    assert shown.endswith("line 0499 of many")
    assert len(shown) <= LOG_SHOWN + 1


def test_the_way_to_a_fault_is_told_whatever_else_was_said() -> None:
    actions = tuple(Action(kind="text", value=f"number {number}") for number in range(12))
    steps = tuple(
        Played(action=one, ok=one is not actions[-1], url="/#/all", seen="" if one is not actions[-1] else "not there")
        for one in actions
    )
    last = steps[-1].model_copy(update={"snapshot": "- list\n" * 3000, "at": 10.0})
    result = BrowserResult(ended="failed", steps=(*steps[:-1], last), console=("no such thing " * 90,) * 9)
    visit = Visit(result=result, log=(Printed(at=10.2, text="printed\n" * 900 + "the cause\n"),))
    finding = from_path(KeptPath(name="Look: all", requirements=("R2",), actions=actions), visit)
    assert finding is not None
    assert finding.signature == "browser path look_all"
    assert len(finding.evidence) <= EVIDENCE_SHOWN
    told = findings_text([finding])
    assert "1. text 'number 0'" in told
    assert "12. text 'number 11'   <- here" in told
    assert "the cause" in told


def test_a_step_that_was_not_tested_is_a_warning() -> None:
    left_out = (Untested(step="see it printed", why="no printer"),)
    warning = next(left_untested(KeptPath(name="Print", actions=(Action(kind="back"),), untested=left_out)))
    assert warning.severity is Severity.WARNING
    assert warning.message == "Print: not tested in a browser: see it printed (no printer)"


def test_an_objection_that_was_heard_is_told_to_whoever_mends() -> None:
    wrong = path_wrong("Add", (), message="no", expected="e", seen="s", evidence="1. click")
    assert stands(wrong).evidence == (
        "1. click\n\nAn objection to this path was heard: a visitor took it again, and it stands."
    )
    warning = wrong.model_copy(update={"severity": Severity.WARNING})
    assert stands(warning) == warning
