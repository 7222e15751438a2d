"""Whole builds by a scripted model over real HTTP: what is asked, what is caught, what it costs, and what is kept."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.core.models import Budget, ProjectState, StepKind
from smaker.testing import ScriptedModelServer

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]


async def test_a_prompt_becomes_proved_software_in_three_calls(shop: Any) -> None:
    async with shop() as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert sorted(opened.script.asked) == ["coder", "planner", "tester"]
        snapshot = await opened.local.control.snapshot(build.project.id)
        assert snapshot.usage.calls == 3
        assert snapshot.usage.tokens_in > 1000
        table = await opened.local.control.trace(build.project.id)
        assert table.holds
        workspace = await opened.local.workspaces.open(Path(build.project.workspace))
        spoken = [commit for commit in await workspace.history() if commit.trailers["Smaker-Model"] == "local/scripted"]
        assert {commit.trailers["Smaker-Stage"] for commit in spoken} == {"spec", "implementation", "tests"}
        assert all(commit.trailers["Smaker-Tokens"] != "0/0" for commit in spoken)
        replayed = await opened.local.replay(build.project.id)
        assert replayed.equal
        assert len(opened.server.requests) == 3, "a replay asks no model"


async def test_a_defect_is_found_and_mended_by_an_edit(shop: Any, script: Any, good: str, file: Any) -> None:
    wrong = good.replace('(5, "V"), (4, "IV")', '(5, "V"), (4, "IIII")')
    edit = (
        '<edit path="roman.py">\n<<<<<<< SEARCH\n'
        '    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IIII"), (1, "I"),\n=======\n'
        '    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),\n>>>>>>> REPLACE\n</edit>'
    )
    async with shop(script(coder=[file("roman.py", wrong)], fixer=[edit])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("fixer") == 1
        shown = next(asked.text for asked in opened.server.requests if "You mend" in asked.text)
        assert "MCMXCIV" in shown
        assert "test_to_roman" in shown


async def test_a_model_that_mends_nothing_ends_in_failed_with_a_reason(
    shop: Any, script: Any, good: str, file: Any
) -> None:
    wrong = good.replace('"IV"', '"IIII"')
    async with shop(script(coder=[file("roman.py", wrong)])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.FAILED
        assert build.project.error is not None
        assert "mend" in build.project.error.message
        assert opened.script.asked.count("fixer") <= 3


async def test_what_a_fixer_writes_into_tests_is_refused(shop: Any, script: Any, good: str, file: Any) -> None:
    wrong = good.replace('"IV"', '"IIII"')
    cheat = file("tests/acceptance/test_roman.py", "def test_nothing():\n    assert True\n")
    async with shop(script(coder=[file("roman.py", wrong)], fixer=[cheat, cheat + "again"])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.FAILED
        again = [asked.text for asked in opened.server.requests if "You mend" in asked.text][1]
        assert "Refused: tests/acceptance/test_roman.py" in again


async def test_a_wrong_test_is_disputed_and_judged(shop: Any, script: Any, tests: str, file: Any) -> None:
    wrong = tests.replace('"MCMXCIV", "MMM', '"MCMXCIIII", "MMM')
    dispute = '<dispute test="tests/acceptance/test_roman.py::test_to_roman">1994 is MCMXCIV.</dispute>'
    judged = [file("tests/acceptance/test_roman.py", wrong), file("tests/acceptance/test_roman.py", tests)]
    async with shop(script(tester=judged, fixer=[dispute])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert sorted(opened.script.asked[1:3]) == ["coder", "tester"]
        assert opened.script.asked[3:] == ["fixer", "tester"]
        assert "1994 is MCMXCIV." in opened.server.requests[-1].text


async def test_tests_that_prove_nothing_are_sent_back(shop: Any, script: Any, tests: str, file: Any) -> None:
    path = "tests/acceptance/test_roman.py"
    empty = tests.replace('    assert from_roman("MCMXCIV") == 1994\n', "").replace(
        'from_roman("IIII")', "raise ValueError"
    )
    green = tests + '\n\n@pytest.mark.requirement("R1")\ndef test_sum():\n    assert 1 + 1 == int("2")\n'
    lazy = green.replace("from roman import from_roman, to_roman", "")
    unnamed = tests.replace('@pytest.mark.requirement("R2")\n', "")
    async with shop(script(tester=[file(path, text) for text in (unnamed, lazy, tests)] + [empty])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        told = opened.server.requests[-1].text
        assert "no test names R2" in told
        assert "test_sum passes there" in told


async def test_a_file_that_cannot_be_imported_keeps_no_other_from_being_seen_red(
    shop: Any, script: Any, file: Any, tests: str
) -> None:
    beside = (
        "import subprocess\nimport sys\n\nimport pytest\n\n\n"
        '@pytest.mark.requirement("R1")\ndef test_by_itself():\n'
        '    assert subprocess.run([sys.executable, "-c", "import roman"]).returncode == 0\n'
    )
    answer = file("tests/acceptance/test_beside.py", beside) + file("tests/acceptance/test_roman.py", tests)
    async with shop(script(tester=[answer])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("tester") == 1
        assert "tests/acceptance/test_beside.py::test_by_itself" in {proof.source.id for proof in build.project.proofs}


async def test_helpers_in_another_file_of_the_tests_prove_and_their_loss_is_seen(
    shop: Any, script: Any, tests: str, file: Any
) -> None:
    helpers = "def agrees(seen, wanted):\n    assert seen == wanted\n"
    uses = tests.replace('    assert from_roman("MCMXCIV") == 1994\n', '    agrees(from_roman("MCMXCIV"), 1994)\n')
    uses = uses.replace("import pytest\n", "import pytest\nfrom helpers import agrees\n")
    uses = uses.replace('    with pytest.raises(ValueError):\n        from_roman("IIII")\n', "")
    hollow = file("tests/acceptance/helpers.py", helpers.replace("assert seen", "return seen"))
    answers = [hollow + file("tests/acceptance/test_roman.py", uses), file("tests/acceptance/helpers.py", helpers)]
    async with shop(script(tester=answers)) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert "test_from_roman asserts nothing that can fail" in opened.server.requests[-1].text
        assert (await opened.local.control.trace(build.project.id)).holds
        beside = Path(build.project.workspace) / "tests/acceptance/helpers.py"
        beside.write_text(helpers.replace("==", "or"))
        (broken,) = (await opened.local.control.trace(build.project.id)).weakened
        assert broken.id == "tests/acceptance/test_roman.py::test_from_roman"
        assert "assertion removed: agrees(from_roman('MCMXCIV'), 1994): assert seen == wanted" in broken.reason
        beside.unlink()
        assert (await opened.local.control.trace(build.project.id)).weakened


async def test_lines_left_out_of_the_plan_are_asked_about(shop: Any, script: Any, plan: dict[str, Any]) -> None:
    short = json.dumps({**plan, "requirements": plan["requirements"][:1]})
    further = json.dumps({"requirements": [plan["requirements"][1]]})
    async with shop(script(planner=[short, further])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("planner") == 2
        assert "3| - `from_roman(text)`" in opened.server.requests[1].text


async def test_the_budget_stops_within_one_call_and_more_lets_it_go_on(shop: Any, script: Any) -> None:
    async with shop() as opened:
        project = await opened.create(budget=Budget(max_tokens=10))
        build = await opened.drive(project)
        assert build.project.error is not None
        assert build.project.error.code == "E_BUDGET"
        assert build.project.desired.value == "pause"
        assert len(opened.server.requests) == 1
        kinds = [event.kind for event in await opened.local.store.events(project.id, limit=1000)]
        assert "budget.warning" in kinds
        assert "budget.exceeded" in kinds
        from smaker.core.commands import Resume

        await opened.local.control.steer(project.id, Resume(budget=Budget(max_tokens=1_000_000)))
        build = await opened.drive(project)
        assert build.project.state is ProjectState.READY
        assert len(opened.server.requests) == 3, "what was answered is not asked again"


async def test_a_tasks_bound_is_typed_shown_and_raised_on_the_command_line(
    script: Any, plan: dict[str, Any], prompt: str, tmp_path: Path, environments: Path
) -> None:
    answers = script(planner=["I plan.", json.dumps(plan)])  # a task that needs a second call
    async with ScriptedModelServer(answers) as server:
        config = tmp_path / "config.yaml"
        providers = {"local": {"model": "scripted", "base_url": server.url}}
        config.write_text(json.dumps({"llm": {"mode": "local", "providers": providers}}))

        async def smaker(*words: str, code: int) -> Any:
            command = ("-m", "smaker", "--home", str(tmp_path / "home"), "--config", str(config), "--json", *words)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *command),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "SMAKER_CACHE": str(environments)},
            )
            output, errors = await process.communicate()
            assert process.returncode == code, errors.decode()
            return json.loads(output)

        paused = await smaker("init", prompt, "--max-task-tokens", "10", code=3)
        identifier = paused["id"]
        assert paused["error"]["code"] == "E_BUDGET"
        assert paused["error"]["message"].startswith("The budget of task t1 is spent: ")
        option, more = re.fullmatch(rf".*: smaker resume {identifier} (\S+) (\d+)", paused["error"]["hint"]).groups()
        assert option == "--max-task-tokens"
        shown = [bound for bound in (await smaker("cost", identifier, code=0))["budget"] if bound["task"]]
        assert {(bound["project"], bound["what"], bound["limit"]) for bound in shown} == {(identifier, "tokens", 10)}
        assert max(bound["spent"] for bound in shown) > 1000
        again = await smaker("resume", identifier, option, "10", code=3)
        assert again["usage"] == paused["usage"], "no call more"
        ready = await smaker("resume", identifier, option, str(100 * int(more)), code=0)
        assert ready["state"] == "READY"
        assert ready["usage"]["calls"] == 4
        assert {bound["what"] for bound in ready["budget"] if bound["task"] is None} == {"cost"}


async def test_a_key_in_the_prompt_is_masked_before_it_is_sent_or_stored(shop: Any, prompt: str, tmp_path: Any) -> None:
    key = "sk-proj-Zx81kQm2Lw9Rt4Vb7Ny3Hc6Jd5Gf0Ps"
    async with shop() as opened:
        build = await opened.build(f"{prompt}\nUse the key {key} for nothing.\n")
        assert all(key not in asked.text for asked in opened.server.requests)
        for step in await opened.local.store.steps(build.project.id):
            if step.kind is StepKind.MODEL:
                assert key not in (await opened.local.store.get_blob(str((step.output or {})["request"]))).decode()
