"""The tester: a model writes acceptance tests from the words and the plan; each is seen red before it counts."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.evidence import is_test_file
from smaker.agents.model.found import findings_text
from smaker.agents.model.guards import inside_of
from smaker.agents.model.loop import Work
from smaker.agents.model.plan import spec_text
from smaker.agents.model.showing import named_in, repository, shown
from smaker.agents.model.talk import answer_lines, file_format, room
from smaker.agents.prompts import render
from smaker.agents.red_first import read_sources, see_red
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import Finding, Outcome, Proof, TestSource, Verdict
from smaker.core.ports import Role
from smaker.core.profile import Profile
from smaker.profiles import Catalog

NAMING = {
    "pytest": 'Each test has the mark `@pytest.mark.requirement("R1")` (or several ids) for what it proves.',
    "node": (
        "Each test uses `node:test` and `node:assert/strict`; its name begins with what it proves, and a colon: "
        '`test("R1, R2: adds two numbers", …)`. Test files are ES modules, whatever package.json says.'
    ),
}
IN_PLACE = "Your files are in place as you wrote them: send what changes."
PATTERN = {"pytest": "tests/acceptance/test_*.py", "node": "tests/acceptance/*.test.mjs"}
FILES_SHOWN = 8_000  # tokens of what is there before
TESTS_SHOWN = 16_000


class ModelTester:
    """Implements `smaker.core.ports.Agent` for the stage "tests"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Write and commit tests, or judge those that a fixer disputes. Raises ModelError."""
        profile = self._catalog.of(context.spec).profile
        mine = [path for path in await context.files() if path.startswith(f"{profile.acceptance}/")]
        others = [path for path in await context.files() if path not in mine and not path.startswith(".smaker/")]
        examined = _Examined(context, profile)
        traits = await context.model_traits(Role.TESTING)
        words, plan = context.project.prompt, spec_text(context.spec)
        budget = room(traits, words, plan, most=FILES_SHOWN + TESTS_SHOWN)
        there = ", ".join(others[:200])
        if not context.project.proofs:
            first = named_in(f"{words}\n{plan}", others)
            there = await repository(context, others, budget=min(FILES_SHOWN, budget), about=words, first=first)
        work = Work(
            context=context,
            role=Role.TESTING,
            title="write acceptance tests" if not context.task.payload.get("disputes") else "judge disputed tests",
            system=render(
                "tester",
                pattern=PATTERN[profile.dialect],
                naming=NAMING[profile.dialect],
                edit_format=file_format(traits),
            ),
            task=render(
                "tester_task",
                prompt=words,
                spec=plan,
                profile=profile,
                files=there,
                existing=await shown(context, mine, budget=min(TESTS_SHOWN, budget)) if mine else "",
                task=_task(context),
                answer_lines=answer_lines(traits),
            ),
            guard=inside_of(profile.acceptance),
            check=examined.wrong,
            traits=traits,
            tools=False,
        )
        await work.run()
        named = {name for proof in examined.proofs for name in proof.source.requirements}
        await context.commit(
            f"tests: {len(examined.proofs)} acceptance tests",
            requirements=sorted(named, key=lambda name: int(name[1:])),
        )
        return Outcome(
            verdict=Verdict.DONE,
            summary=f"{counted(len(examined.proofs), 'test')}, each seen red",
            proofs=tuple(examined.proofs),
        )


class _Examined:
    """What of the tests counts: those that name a requirement, assert something, and were seen red."""

    def __init__(self, context: Context, profile: Profile) -> None:
        self._context = context
        self._profile = profile
        self.proofs: Sequence[Proof] = ()

    async def wrong(self) -> str:
        """What keeps the tests from being taken, in words for a model."""
        paths = [path for path in await self._context.files() if path.startswith(f"{self._profile.acceptance}/")]
        files = {path: await self._context.read(path) for path in paths}
        if not any(is_test_file(self._profile.dialect, path) for path in paths):
            return f"There is no test yet. Write tests in `{PATTERN[self._profile.dialect]}`."
        try:
            sources = read_sources(self._profile, files)
        except (ValueError, UnicodeDecodeError) as error:
            return f"A file of tests cannot be read: {error}"
        if problem := self._unfit(sources):
            return problem
        after = self._context.task.payload.get("red_after")
        on = self._context.build.task(after).commit if isinstance(after, str) else None
        self.proofs, unproved = await see_red(self._context, self._profile, files, sources, on=on)
        if unproved:
            listed = "\n".join(f"- {one.source.id} {one.instead} there" for one in unproved)
            return (
                f"These tests do not fail where the software is missing, so they prove nothing:\n{listed}\n"
                "Make each assert something that only the finished software does, or leave it out.\n" + IN_PLACE
            )
        fresh = [proof for proof in self.proofs if proof.red_on == self._context.project.skeleton]
        shown = {name for proof in fresh for name in proof.source.requirements}
        if unshown := [name for name in _renewed(self._context) if name not in shown]:
            return (
                f"No test that fails on the software as it is shows what {', '.join(unshown)} says now.\n"
                "Write one for each, or change one that is there.\n" + IN_PLACE
            )
        return ""

    def _unfit(self, sources: Sequence[TestSource]) -> str:
        known = {entry.id for entry in self._context.spec.requirements}
        named = {name for source in sources for name in source.requirements}
        lines = [f"- {source.id} is skipped" for source in sources if source.skipped]
        lines += [
            f"- {source.id} asserts nothing that can fail, in itself or in a helper it calls"
            for source in sources
            if not source.assertions
        ]
        lines += [f"- no requirement is called {name}" for name in sorted(named - known)]
        unnamed = [entry.id for entry in self._context.spec.requirements if entry.must and entry.id not in named]
        if unnamed and not named:
            lines.append(f"- no test names a requirement. {NAMING[self._profile.dialect]}")
        elif unnamed:
            lines.append(f"- no test names {', '.join(unnamed)}")
        return "\n".join(["The tests are not fit to prove the plan:", *lines, IN_PLACE]) if lines else ""


def _task(context: Context) -> str:
    disputes = context.task.payload.get("disputes")
    if isinstance(disputes, list):
        listed = "\n".join(f"- {entry['test']}: {entry['reason']}" for entry in disputes if isinstance(entry, dict))
        return (
            "Whoever mends the software says that these tests are wrong:\n"
            f"{listed}\n\nJudge each by the user's words. Where the objection is right, mend the test: let it assert "
            "what the words say (it must still prove its requirement); where it is not, leave the test and say why."
        )
    if mended := _findings(context, "mended"):
        return (
            "No test had seen the following. It was found and is mended:\n\n"
            f"{findings_text(mended)}\n\nAdd a test for it that names what it proves: it fails on the software as it "
            "was, and passes where this is mended. Leave the other tests as they are; where no test can show it, leave "
            "it out and say why."
        )
    if doubts := _findings(context, "doubts"):
        return (
            "Somebody who read the software doubts that it does what the words say:\n\n"
            f"{findings_text(doubts)}\n\nJudge each by the user's words "
            "and the plan. Where they demand it, add a test that shows it; where they do not, leave it out and say "
            "why. Leave the other tests as they are."
        )
    if names := _renewed(context):
        return (
            f"The user changed the plan: {', '.join(names)} say something else now. Write a test that shows it for "
            "each of them (it fails on the software as it is) and mend those that assert what no longer holds. Add "
            "tests for the requirements that no test names yet; leave the others as they are."
        )
    if context.project.proofs:
        return (
            "The plan has grown. Add tests for the requirements that no test names yet; leave the others as they are."
        )
    return "Write the acceptance tests now, all of them."


def _renewed(context: Context) -> list[str]:
    """The requirements of an edited plan that promise something else than before."""
    listed = context.task.payload.get("renewed")
    return [str(name) for name in listed] if isinstance(listed, list) else []


def _findings(context: Context, name: str) -> list[Finding]:
    """What a task was made for, under that name of its payload."""
    listed = context.task.payload.get(name)
    return [Finding.model_validate(entry) for entry in listed] if isinstance(listed, list) else []
