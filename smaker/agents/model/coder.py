"""The coder: the skeleton is the profile's template; a task of the plan is written by a model."""

from __future__ import annotations

from smaker.agents.evidence import findings_from_lint
from smaker.agents.inherited import standing, tests_as_they_are
from smaker.agents.model.choosing import chosen
from smaker.agents.model.guards import outside_of_tests
from smaker.agents.model.loop import Work
from smaker.agents.model.plan import spec_text
from smaker.agents.model.showing import named_in, repository
from smaker.agents.model.talk import answer_lines, file_format, room
from smaker.agents.modules import module_of
from smaker.agents.prompts import render
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import Outcome, Severity, Stage, Verdict
from smaker.core.ports import Role
from smaker.core.profile import Profile
from smaker.core.spec import Module
from smaker.profiles import Catalog

FILES_SHOWN = 18_000  # tokens


class ModelCoder:
    """Implements `smaker.core.ports.Agent` for the stages "skeleton" and "implementation"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Do one task. Raises ModelError."""
        if context.task.stage is Stage.SKELETON:
            return await self._skeleton(context)
        profile = self._catalog.of(context.spec).profile
        module = module_of(context)
        paths = [path for path in await context.files() if not path.startswith(".smaker/")]
        traits = await context.model_traits(Role.CODE_GENERATION)
        words, plan = context.project.prompt, spec_text(context.spec)
        budget = room(traits, words, plan, most=FILES_SHOWN)
        tests = await tests_as_they_are(context, profile) if context.project.adopted else ""
        task = render(
            "coder_task",
            prompt=words,
            spec=plan,
            profile=profile,
            pages=context.project.web and context.spec.gui,
            files=await repository(
                context,
                paths,
                budget=budget,
                about=f"{_about(context, module)}\n{tests}",
                first=named_in(f"{words}\n{plan}", paths),
            ),
            tests=tests,
            task=_task(context, module),
            answer_lines=answer_lines(traits),
        )
        await context.prepare(profile)
        work = Work(
            context=context,
            role=Role.CODE_GENERATION,
            title=f"write {module.name}",
            system=render("coder", edit_format=file_format(traits)),
            traits=traits,
            task=task,
            guard=outside_of_tests(profile),
            check=lambda: _gate(context, profile, work),
            choose=lambda guard, replies: chosen(context, profile, guard, replies),
        )
        await work.run()
        await context.commit(f"{module.name}: {module.title}"[:72], requirements=module.requirements)
        return Outcome(
            verdict=Verdict.DONE, summary=f"{counted(len(work.written), 'file')} in {counted(work.turns, 'answer')}"
        )

    async def _skeleton(self, context: Context) -> Outcome:
        loaded = self._catalog.of(context.spec)
        there = set(await context.files())
        files = {path: data for path, data in loaded.render("template", context.spec).items() if path not in there}
        await context.write({**files}, title=f"write {counted(len(files), 'file')}")
        await context.commit(f"skeleton: {context.spec.profile}")
        return Outcome(verdict=Verdict.DONE, summary=counted(len(files), "file"))


async def _gate(context: Context, profile: Profile, work: Work) -> str:
    """What keeps a coder's files from being taken: nothing written, or a linter that finds what cannot work."""
    if not work.written:
        return "You wrote no file yet. Write the files of your task."
    return await lint(context, profile)


async def lint(context: Context, profile: Profile) -> str:
    """What the profile's linters say of what this build wrote, in words for a model; nothing if they are content."""
    await context.prepare(profile)  # the manifest may be new
    for argv in profile.lint:
        ran = await context.run(argv)
        if ran.exit_code == 0:
            continue
        found = await standing(context, findings_from_lint(ran.output, " ".join(argv)))
        if any(finding.severity is Severity.ERROR for finding in found):
            return f"`{' '.join(argv)}` finds:\n{ran.output.strip()[:4000]}\nMend it."
    return ""


def _about(context: Context, module: Module) -> str:
    """The words that lead to the files a task is about."""
    texts = [entry.text for entry in context.spec.requirements if entry.id in module.requirements]
    return " ".join([module.title, *texts])


def _task(context: Context, module: Module) -> str:
    if len(context.spec.modules) == 1:
        if context.project.adopted:
            return "Make the change in the software that is there: as little as is needed, all that the plan asks for."
        return "Write the whole of the software now: every file it needs."
    others = [f"{entry.title} ({entry.name})" for entry in context.spec.modules if entry.name != module.name]
    return (
        f"Write this part now, whole: {module.title} ({module.name}). It serves {', '.join(module.requirements)}.\n"
        f"Other parts are written by others: {', '.join(others)}. Those it depends on are among the files above."
    )
