"""Line coverage: what a report says of the whole and of each file, and that what cannot be read is unmeasured."""

from __future__ import annotations

import pytest

from smaker.core.coverage import Covered, covered_files, parse_coverage


@pytest.mark.parametrize(
    ("xml", "percent"),
    [
        (b'<?xml version="1.0" ?><coverage version="7" line-rate="0.9123" branch-rate="0"/>', 91.23),
        (b'<coverage line-rate="1"/>', 100.0),
        (b'<coverage line-rate="0"/>', 0.0),
        (b'<coverage line-rate="nan"/>', None),
        (b'<coverage line-rate="7"/>', None),
        (b"<coverage/>", None),
        (b'<other line-rate="1"/>', None),
        (b"garbage", None),
        (b'<!DOCTYPE coverage><coverage line-rate="1"/>', None),
    ],
)
def test_coverage_is_percent_of_lines_or_unknown(xml: bytes, percent: float | None) -> None:
    assert parse_coverage(xml) == percent


REPORT = b"""<?xml version="1.0" ?><coverage line-rate="0.6"><packages><package name="a"><classes>
<class name="store.py" filename="app/store.py"><lines>
<line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="7"/></lines></class>
<class name="A" filename="app/api.py"><lines><line number="1" hits="0"/></lines></class>
<class name="B" filename="app/api.py"><methods><method name="f">
<lines><line number="4" hits="1"/></lines></method></methods>
<lines><line number="4" hits="1"/></lines></class>
<class name="empty" filename="app/__init__.py"><lines/></class>
</classes></package></packages></coverage>"""


def test_files_are_listed_with_their_lines_the_least_covered_first() -> None:
    assert covered_files(REPORT) == (
        Covered("app/api.py", 1, 2),
        Covered("app/store.py", 2, 3),
        Covered("app/__init__.py", 0, 0),
    )
    assert [round(file.percent) for file in covered_files(REPORT)] == [50, 67, 100]


@pytest.mark.parametrize("xml", [b"", b"garbage", b"<other/>", b'<coverage line-rate="1"/>'])
def test_a_report_without_files_has_none(xml: bytes) -> None:
    assert covered_files(xml) == ()
