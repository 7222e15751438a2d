"""Read JUnit reports of pytest and of Node's runner into results whose ids are those of the test readers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element

from smaker.agents.evidence.node_source import JOIN
from smaker.agents.evidence.traces import read_trace, relative, strip_colours
from smaker.core.models import TestResult, TestSource, TestStatus
from smaker.core.ports import WORKSPACE
from smaker.core.xml_tree import local, parse_xml

HEAD, TAIL = 1500, 4500
"""Characters kept of a long failure: its beginning, and more of its end, where the error stands."""

COLLECTION = "<collection>"
"""The name, in an id, of a file that could not be read by the runner, where its tests are not known."""

WORST = (TestStatus.FAILED, TestStatus.SKIPPED, TestStatus.PASSED)
SUBSTITUTION = re.compile(r"\\\$\\\{.*?\\\}")


def parse_junit(
    xml: bytes, *, dialect: Literal["pytest", "node"], tests: Sequence[TestSource] = (), root: str = WORKSPACE
) -> tuple[TestResult, ...]:
    """Return one result per test, in the order of the report; the worst of its cases where it is parametrised.

    ``tests`` are the tests the readers found. Node before version 24 does not say which file a test is of, so its
    results get the reader's ids through their names; a name that several files have gets the worst result of all. A
    file that fails as a whole fails each of its tests that has no result of its own. Without ``tests`` the id of
    such a result is "::<name>", and of such a file "<path>::<collection>". ``root`` is where the workspace was while
    the tests ran.

    Raises ValueError with the reason if the report is broken, truncated, too large or declares a document type.
    """
    report = parse_xml(xml)
    if local(report) not in {"testsuites", "testsuite"}:
        raise ValueError(f"it is not a JUnit report: its root is <{local(report)}>")
    reader = _Pytest(tests, root) if dialect == "pytest" else _Node(tests, root)
    return tuple(_merged(reader.results(report), tests))


@dataclass(frozen=True)
class _Case:
    """One result of a report, its status and text read, its id to be found."""

    status: TestStatus
    seconds: float
    message: str

    def result(self, identifier: str, root: str) -> TestResult:
        trace = read_trace(self.message, root=root) if self.status is TestStatus.FAILED else None
        return TestResult(
            id=identifier,
            status=self.status,
            seconds=self.seconds,
            message=self.message,
            file=trace.file if trace else None,
            line=trace.line if trace else None,
        )


def _case(element: Element) -> _Case:
    status, message = TestStatus.PASSED, ""
    for child in element:
        kind = local(child)
        if kind in {"failure", "error"}:
            status = TestStatus.FAILED
        elif kind == "skipped" and status is not TestStatus.FAILED:
            status = TestStatus.SKIPPED
        else:
            continue
        short, long = child.get("message", ""), "".join(child.itertext()).strip()
        message = "\n".join(part for part in (message, "" if short and short in long else short, long) if part)
    return _Case(status, _seconds(element.get("time")), _bounded(strip_colours(message)))


def _seconds(text: str | None) -> float:
    try:
        value = float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
    return value if 0 <= value < float("inf") else 0.0


def _bounded(message: str) -> str:
    if len(message) <= HEAD + TAIL:
        return message
    left_out = len(message) - HEAD - TAIL
    return f"{message[:HEAD]}\n… {left_out} characters left out …\n{message[-TAIL:]}"


class _Pytest:
    """pytest writes dotted modules and classes as ``classname``, and parameters in brackets after ``name``."""

    def __init__(self, tests: Sequence[TestSource], root: str) -> None:
        self._root = root
        self._known = {self._key(test.id): test.id for test in tests}
        self._files = {_dotted(path): path for path in dict.fromkeys(test.id.partition("::")[0] for test in tests)}

    @staticmethod
    def _key(identifier: str) -> tuple[str, str]:
        path, *names = identifier.split("::")
        return ".".join((_dotted(path), *names[:-1])), names[-1] if names else ""

    def results(self, report: Element) -> Iterator[TestResult]:
        """Yield the results of a report; those of one id may be several."""
        for element in report.iter():
            if local(element) == "testcase":
                yield _case(element).result(self._id(element), self._root)

    def _id(self, element: Element) -> str:
        owner, name = element.get("classname", ""), element.get("name", "")
        if not owner:  # a module that could not be imported stands by its own name
            return f"{self._files.get(name, name.replace('.', '/') + '.py')}::{COLLECTION}"
        plain = name.partition("[")[0]
        if (owner, plain) in self._known:
            return self._known[owner, plain]
        file = element.get("file")
        parts = owner.split(".")
        modules = [index for index, part in enumerate(parts) if re.match(r"test_|.*_test$", part)]
        depth = (modules[-1] if modules else len(parts) - 1) + 1
        path = (relative(file, self._root) if file else None) or "/".join(parts[:depth]) + ".py"
        return "::".join((path, *parts[depth:], plain))


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


class _Node:
    """Node writes suites, and tests with subtests, as ``testsuite``; a file that fails is a test named by its path."""

    def __init__(self, tests: Sequence[TestSource], root: str) -> None:
        self._root = root
        self._names: dict[str, list[str]] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for test in tests:
            name = _plain(test.id.partition("::")[2])
            if "${" in name:
                parts = SUBSTITUTION.sub(".*", re.escape(name))
                self._patterns.append((re.compile(parts, re.DOTALL), test.id))
            else:
                self._names.setdefault(name, []).append(test.id)

    def results(self, report: Element) -> Iterator[TestResult]:
        """Yield the results of a report; those of one id may be several."""
        yield from self._walk(report, ())

    def _walk(self, parent: Element, names: tuple[str, ...]) -> Iterator[TestResult]:
        for element in parent:
            kind = local(element)
            if kind not in {"testsuite", "testcase"}:
                continue
            name = element.get("name", "")
            if kind == "testcase":
                case = _case(element)
                yield from (case.result(key, self._root) for key in self._ids(element, (*names, name)))
                continue
            inner = list(self._walk(element, (*names, name)))
            yield from inner
            yield from self._parent(element, (*names, name), inner)

    def _parent(self, element: Element, names: tuple[str, ...], inner: list[TestResult]) -> Iterator[TestResult]:
        """A test with subtests, told from a suite by the readers: no better than the worst of them."""
        worst = _worst(result.status for result in inner)
        for key in self._known(element, names):
            messages = [result.message for result in inner if result.status is worst and result.message]
            case = _Case(worst, _seconds(element.get("time")), messages[0] if messages else "")
            yield case.result(key, self._root)

    def _ids(self, element: Element, names: tuple[str, ...]) -> list[str]:
        if len(names) == 1 and re.search(r"\.[cm]?[jt]s$", names[0]) and relative(names[0], self._root):
            return [f"{relative(names[0], self._root)}::{COLLECTION}"]
        return self._known(element, names) or [f"{self._file(element)}::{JOIN.join(names)}"]

    def _known(self, element: Element, names: tuple[str, ...]) -> list[str]:
        """The ids of the readers that a result may be of: one where the report names the file."""
        joined = _plain(JOIN.join(names))
        file = self._file(element)
        ids = self._names.get(joined) or [key for pattern, key in self._patterns if pattern.fullmatch(joined)]
        return [key for key in ids if not file or key.startswith(f"{file}::")]

    def _file(self, element: Element) -> str:
        file = element.get("file")
        return (relative(file, self._root) if file else None) or ""


def _plain(name: str) -> str:
    """A name without what Node's reporter changes in it: it escapes quotes twice and drops line ends."""
    return re.sub(r"\s+", "", name.replace("&quot;", '"'))


def _worst(statuses: Iterable[TestStatus]) -> TestStatus:
    found = set(statuses)
    return next((status for status in WORST if status in found), TestStatus.PASSED)


def _merged(results: Iterable[TestResult], tests: Sequence[TestSource]) -> Iterator[TestResult]:
    """One result per id, and a failed file as the failure of its tests that did not run."""
    grouped: dict[str, list[TestResult]] = {}
    for result in results:
        grouped.setdefault(result.id, []).append(result)
    by_file: dict[str, list[str]] = {}
    for test in tests:
        by_file.setdefault(test.id.partition("::")[0], []).append(test.id)
    for key, group in grouped.items():
        status = _worst(result.status for result in group)
        shown = next(result for result in group if result.status is status)
        path, _, name = key.partition("::")
        if name == COLLECTION and by_file.get(path) and status is TestStatus.FAILED:
            yield from (_for_test(shown, other) for other in by_file[path] if other not in grouped)
            if all(other in grouped for other in by_file[path]):
                yield shown
        else:
            cases = Counter(result.status for result in group) if len(group) > 1 else {}
            yield shown.model_copy(update={"seconds": sum(result.seconds for result in group), "cases": {**cases}})


def _for_test(result: TestResult, identifier: str) -> TestResult:
    """The same result for another test."""
    return result.model_copy(update={"id": identifier, "seconds": 0.0})
