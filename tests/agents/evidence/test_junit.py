import itertools
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaker.agents.evidence import findings_from_results, parse_junit
from smaker.core.models import TestReport as Report
from smaker.core.models import TestSource as Source
from smaker.core.models import TestStatus as Status
from smaker.core.profile import WORKSPACE

A = "tests/acceptance/test_a.py::"
N = "tests/acceptance/a.test.js::"


def statuses(run, dialect, **options):
    results = parse_junit(run.junit, dialect=dialect, root=str(run.root), **options)
    ids = [result.id for result in results]
    assert len(ids) == len(set(ids))
    return {result.id: result.status.value for result in results}


EXPECTED_PYTEST = {
    f"{A}TestX::TestInner::test_inner": "failed",
    f"{A}TestX::test_cases": "failed",
    f"{A}TestX::test_good_cases": "passed",
    f"{A}test_boom": "failed",
    f"{A}test_boom_too": "failed",
    f"{A}test_setup": "failed",
    f"{A}test_teardown": "failed",
    f"{A}test_skipped": "skipped",
    f"{A}test_expected_to_fail": "skipped",
    f"{A}test_control_characters": "failed",
    f"{A}test_ok": "passed",
}


@pytest.mark.parametrize("known", [True, False])
def test_results_of_a_real_pytest_run_have_the_readers_ids(run_of_pytest, known):
    tests = run_of_pytest.tests if known else ()
    failed_files = (
        {"tests/test_import.py::test_one": "failed", "tests/test_syntax.py::<collection>": "failed"}
        if known
        else {"tests/test_import.py::<collection>": "failed", "tests/test_syntax.py::<collection>": "failed"}
    )
    assert statuses(run_of_pytest, "pytest", tests=tests) == EXPECTED_PYTEST | failed_files
    if known:
        assert {test.id for test in tests} == set(statuses(run_of_pytest, "pytest", tests=tests)) - {
            "tests/test_syntax.py::<collection>"
        }


def test_every_case_of_a_test_counts() -> None:
    xml = (
        b'<testsuite><testcase classname="tests.test_a" name="test_x[1]"/>'
        b'<testcase classname="tests.test_a" name="test_x[2]"><failure message="no"/></testcase>'
        b'<testcase classname="tests.test_a" name="test_y"/></testsuite>'
    )
    results = parse_junit(xml, dialect="pytest")
    report = Report(tree="", results=results)
    assert [result.status.value for result in results] == ["failed", "passed"]
    counts = [report.count(status) for status in (Status.PASSED, Status.FAILED, Status.SKIPPED)]
    assert (counts, report.ran) == ([2, 1, 0], 3)


def test_findings_of_a_real_pytest_run_name_causes_root_first(run_of_pytest):
    results = parse_junit(run_of_pytest.junit, dialect="pytest", tests=run_of_pytest.tests)
    findings = findings_from_results(results, tests=run_of_pytest.tests, root=str(run_of_pytest.root))
    places = {finding.test.rpartition("::")[2]: (finding.file, finding.line) for finding in findings if finding.test}
    assert {finding.file for finding in findings[:2]} == {"tests/test_import.py", "tests/test_syntax.py"}
    boom = findings[2]
    assert boom.requirements == ("R1", "R2")
    assert (boom.file, boom.line) == ("app/service.py", 5)
    assert boom.signature == "ValueError: cannot invert N at ADDRESS at app/service.py"
    assert "1 more test for the same reason" in boom.message
    assert places["test_inner"] == ("tests/acceptance/test_a.py", 16)
    inner = next(finding for finding in findings if finding.test and finding.test.endswith("test_inner"))
    assert (inner.seen, inner.expected) == ("(1 + 1)", "3")
    assert "fixture" in next(finding.message for finding in findings if finding.test and "setup" in finding.test)


EXPECTED_NODE = {
    f"{N}R1: passes": "passed",
    f"{N}R2: compares": "failed",
    f"{N}R3: throws": "failed",
    f"{N}group > R4: nested": "passed",
    f'{N}group > inner > has "quotes" & <more>': "failed",
    f"{N}R5: parent > child": "failed",
    f"{N}R5: parent > good child": "passed",
    f"{N}R5: parent": "failed",
    f"{N}R6: good parent > child": "passed",
    f"{N}R6: good parent": "passed",
    f"{N}R7: skipped": "skipped",
    f"{N}R8: skips itself": "skipped",
    f"{N}R9: inverts ${{x}}": "failed",
    f"{N}same name": "failed",
    "tests/b.test.js::same name": "failed",
    f"{N}R10: colours": "failed",
    "tests/broken.test.js::R11: never loads": "failed",
}


@pytest.mark.node
def test_results_of_a_real_node_run_have_the_readers_ids(run_of_node):
    named = b' file="' in run_of_node.junit  # since Node 24: the one that failed is known
    expected = EXPECTED_NODE | ({f"{N}same name": "passed"} if named else {})
    assert statuses(run_of_node, "node", tests=run_of_node.tests) == expected
    assert {test.id for test in run_of_node.tests} == set(EXPECTED_NODE)


@pytest.mark.node
def test_results_of_a_real_node_run_without_known_tests_never_claim_a_file_they_do_not_name(run_of_node):
    found = statuses(run_of_node, "node")
    assert found["tests/broken.test.js::<collection>"] == "failed"
    assert "passed" in found.values()
    assert not set(found) & {test.id for test in run_of_node.tests} or "file=" in run_of_node.junit.decode()


@pytest.mark.node
def test_findings_of_a_real_node_run_point_into_the_source(run_of_node):
    results = parse_junit(run_of_node.junit, dialect="node", tests=run_of_node.tests, root=str(run_of_node.root))
    findings = findings_from_results(results, tests=run_of_node.tests, root=str(run_of_node.root))
    thrown = next(finding for finding in findings if "RangeError" in finding.message)
    assert (thrown.file, thrown.line) == ("src/invert.js", 2)
    assert {"R3", "R5", "R9"} <= set(thrown.requirements)
    compared = next(finding for finding in findings if finding.test == f"{N}R2: compares")
    assert (compared.seen, compared.expected) == ("1", "2")
    assert (compared.file, compared.line) == ("tests/acceptance/a.test.js", 6)
    assert len(findings) < sum(result.status is Status.FAILED for result in results)


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuites><testcase name="&b;"/></testsuites>"""

BROKEN = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "entity bomb": (BOMB.encode(), "document type"),
    "external entity": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuites/>', "document type"),
    "public identifier": (b'<!DOCTYPE a PUBLIC "-//x" "http://localhost/x.dtd"><testsuites/>', "document type"),
    "truncated": (b'<testsuites><testcase name="a">', "not well-formed"),
    "not XML": (b"all tests passed", "not well-formed"),
    "unknown entity": (b'<testsuites><testcase name="&unknown;"/></testsuites>', "not well-formed"),
    "two roots": (b"<testsuites/><testsuites/>", "not well-formed"),
    "another document": (b"<html/>", "not a JUnit report"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><testsuites/>', "encoding|not well-formed"),
    "not UTF-8": (b'<testsuites><testcase name="\xff"/></testsuites>', "not well-formed"),
    "too deep": (b"<testsuites>" + b"<testsuite>" * 200_000, "nested more than"),
    "too many": (b"<testsuites>" + b"<a/>" * 500_001 + b"</testsuites>", "more than 500000"),
    "too large": (b"<testsuites>" + b" " * 33 * 1024 * 1024 + b"</testsuites>", "larger than"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_and_hostile_reports_are_refused_with_the_reason(content, reason):
    with pytest.raises(ValueError, match=reason):
        parse_junit(content, dialect="node")


def test_utf16_report_is_read():
    case = '<testcase classname="tests.test_a" name="test_ü"/>'
    xml = f'<?xml version="1.0" encoding="utf-16"?><testsuites>{case}</testsuites>'
    assert parse_junit(xml.encode("utf-16"), dialect="pytest")[0].id == "tests/test_a.py::test_ü"


@given(st.binary(max_size=200))
def test_any_bytes_give_results_or_value_error(content):
    for body, dialect in itertools.product((content, b"<testsuites>" + content + b"</testsuites>"), ("pytest", "node")):
        try:
            parse_junit(body, dialect=dialect)
        except ValueError as error:
            assert str(error)


NAMES = st.text(min_size=1, max_size=12)


@given(NAMES, st.sampled_from(["", "-1", "nan", "1e999", "x", "1,234.5"]))
def test_odd_names_and_times_are_carried(name, seconds):
    clean = "".join(letter for letter in name if letter.isprintable())
    xml = f'<testsuite><testcase classname="tests.test_a" name={quoteattr(clean)} time="{seconds}"/></testsuite>'
    (result,) = parse_junit(xml.encode("utf-8", "replace"), dialect="pytest")
    assert result.status is Status.PASSED
    assert result.seconds == (1234.5 if seconds == "1,234.5" else 0)


def test_a_test_that_fails_in_one_place_is_not_passed_by_another_of_its_name():
    tests = [Source(id="tests/a.test.js::x"), Source(id="tests/b.test.js::x")]
    xml = b'<testsuites><testcase name="x"/><testcase name="x"><failure message="no"/></testcase></testsuites>'
    assert {result.status for result in parse_junit(xml, dialect="node", tests=tests)} == {Status.FAILED}


def test_node_that_names_files_tells_equal_names_apart():
    tests = [Source(id="tests/a.test.js::x"), Source(id="tests/b.test.js::x")]
    xml = (
        f'<testsuites><testcase name="x" file="{WORKSPACE}/tests/a.test.js"/>'
        f'<testcase name="x" file="{WORKSPACE}/tests/b.test.js"><failure message="no"/></testcase></testsuites>'
    )
    results = {result.id: result.status for result in parse_junit(xml.encode(), dialect="node", tests=tests)}
    assert results == {"tests/a.test.js::x": Status.PASSED, "tests/b.test.js::x": Status.FAILED}


def test_long_messages_keep_head_and_tail():
    failure = f"<failure>{'h' * 9000}{'t' * 9000}</failure>"
    xml = f'<testsuite><testcase classname="tests.test_a" name="a">{failure}</testcase></testsuite>'
    message = parse_junit(xml.encode(), dialect="pytest")[0].message
    assert len(message) < 6100
    assert message.startswith("hhh")
    assert message.endswith("ttt")
    assert "12000 characters left out" in message
