"""A plan that its user edits, built by a model: what a requirement says now is shown by a test that fails before."""

from __future__ import annotations

from typing import Any

from smaker.core.commands import EditPlan
from smaker.core.models import ProjectState, Stage

LOWER = """

@pytest.mark.requirement("R2")
def test_lower_case():
    assert from_roman("iv") == 4
"""


async def test_a_requirement_that_says_something_else_gets_a_test_of_that(
    shop: Any, script: Any, good: str, tests: str, file: Any
) -> None:
    lower = good.replace("total, rest = 0, text", "text = text.upper()\n    total, rest = 0, text")
    answers = script(
        coder=[file("roman.py", good), file("roman.py", lower)],
        tester=[
            file("tests/acceptance/test_roman.py", tests),
            file("tests/acceptance/test_roman.py", f"{tests}\n"),  # nothing that fails
            file("tests/acceptance/test_roman.py", tests + LOWER),
        ],
    )
    async with shop(answers) as opened:
        built = await opened.build()
        assert built.project.state is ProjectState.READY
        plan = built.project.spec
        said = plan.requirements[1].model_copy(update={"text": "from_roman takes lower case letters too."})
        edited = plan.model_copy(update={"requirements": (plan.requirements[0], said)})
        await opened.local.control.steer(built.project.id, EditPlan(spec=edited, text="# mine\n" + "x: 1\n"))
        after = await opened.drive(built.project)
        assert after.project.state is ProjectState.READY, after.project.error
        assert answers.asked.count("planner") == 1, "the plan is the user's: nobody is asked"
        assert [task.stage for task in after.tasks[len(built.tasks) :]] == [
            Stage.SPEC,
            Stage.IMPLEMENTATION,
            Stage.TESTS,
            Stage.RUN,
        ]
        table = await opened.local.control.trace(built.project.id)
        assert table.holds
        assert any("test_lower_case" in test.id and test.proves for test in table.rows[1].tests)
        workspace = await opened.local.workspaces.open(opened.local.home / "projects" / built.project.id)
        head = await workspace.head()
        assert await workspace.read(".smaker/spec.yaml", tree=head) == b"# mine\nx: 1\n", "the file is the user's"
        told = "".join(entry.text for entry in opened.server.requests)
        assert "R2 say something else now" in told and "shows what R2 says now" in told
