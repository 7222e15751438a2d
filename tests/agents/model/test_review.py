"""A reviewer's doubts become tests or nothing: what they show is mended, and a wrong doubt costs no right software."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smaker.core.models import ProjectState, Stage

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

DOUBT = {
    "requirement": "R2",
    "file": "roman.py",
    "case": "from_roman('iv'), in lower case",
    "expected": "ValueError: it is no numeral",
    "seen": "4, for it is turned into capitals first",
}
SHOWN = (
    'import pytest\n\nfrom roman import from_roman\n\n\n@pytest.mark.requirement("R2")\ndef test_lower_case():\n'
    "    assert from_roman('IV') == 4\n    with pytest.raises(ValueError):\n        from_roman('iv')\n"
)


@pytest.fixture
def lax(good: str) -> str:
    """A module that takes more than it should, which no acceptance test sees."""
    return good.replace("total, rest = 0, text", "text = text.upper()\n    total, rest = 0, text")


async def test_a_right_doubt_becomes_a_test_and_is_mended(
    shop: Any, script: Any, good: str, lax: str, file: Any, tests: str
) -> None:
    answers = script(
        coder=[file("roman.py", lax)],
        tester=[file("tests/acceptance/test_roman.py", tests), file("tests/acceptance/test_review.py", SHOWN)],
        fixer=[file("roman.py", good)],
        reviewer=[json.dumps({"doubts": [DOUBT]})],
    )
    async with shop(answers) as opened:
        build = await opened.build(review=True)
        assert build.project.state is ProjectState.READY, build.project.error
        stages = [task.stage for task in build.tasks]
        assert stages[-5:] == [Stage.REVIEW, Stage.TESTS, Stage.RUN, Stage.FIX, Stage.RUN]
        assert [opened.script.asked.count(role) for role in ("reviewer", "tester", "fixer")] == [1, 2, 1]
        assert any(proof.source.id.endswith("test_lower_case") for proof in build.project.proofs)
        told = [asked.text for asked in opened.server.requests if "You write acceptance tests" in asked.text][-1]
        assert "from_roman('iv'), in lower case" in told
        assert "def from_roman" not in told, "testers see no code"
        assert (await opened.local.replay(build.project.id)).equal


async def test_a_wrong_doubt_changes_nothing(shop: Any, script: Any, good: str, file: Any, tests: str) -> None:
    wrong = {**DOUBT, "case": "to_roman(4000)", "requirement": "R1", "expected": "MMMM"}
    answers = script(
        tester=[file("tests/acceptance/test_roman.py", tests), "The words say that 4000 raises: nothing to add."],
        reviewer=[json.dumps({"doubts": [wrong]})],
    )
    async with shop(answers) as opened:
        build = await opened.build(review=True)
        assert build.project.state is ProjectState.READY, build.project.error
        assert "fixer" not in opened.script.asked
        assert not any(task.stage is Stage.FIX for task in build.tasks)


async def test_a_review_that_objects_to_nothing_ends_the_build(shop: Any, script: Any) -> None:
    stranger = json.dumps({"doubts": [{**DOUBT, "requirement": "R99"}]})
    async with shop(script(reviewer=[stranger, '{"doubts": []}'])) as opened:
        build = await opened.build(review=True)
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("reviewer") == 2, "a requirement that does not exist is sent back"
        assert [task.stage for task in build.tasks][-1] is Stage.REVIEW


async def test_without_being_asked_for_there_is_no_review(shop: Any) -> None:
    async with shop() as opened:
        build = await opened.build()
        assert not any(task.stage is Stage.REVIEW for task in build.tasks)
