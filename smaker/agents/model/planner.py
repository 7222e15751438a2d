"""The planner: a model turns the user's words into a spec, and is asked again about the lines it left out."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.given import take_given
from smaker.agents.inherited import tests_as_they_are
from smaker.agents.model.plan import Further, Plan, left_over, numbered, spec_text, to_spec
from smaker.agents.model.showing import repository
from smaker.agents.model.structured import ask_for
from smaker.agents.model.talk import answer_lines, room
from smaker.agents.model.toolchain import confirmed
from smaker.agents.prompts import render
from smaker.config.spec_file import SPEC_FILE, dump_spec
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import Gate, Outcome, Verdict
from smaker.core.ports import Message, Role, Traits
from smaker.core.profile import Profile
from smaker.core.spec import Spec
from smaker.core.taskfiles import means_yes
from smaker.profiles import Catalog

GENERAL = ("python", "node")
"""The stacks a model builds in: they prescribe no layout. The others are blueprints, which build by rules."""

MAX_LINES_ASKED = 60
FILES_SHOWN = 10_000  # tokens of a repository that is adopted


class ModelPlanner:
    """Implements `smaker.core.ports.Agent` for the stage "spec"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Plan; a further step is planned on top of the plan there is. Raises ModelError."""
        if (given := await take_given(context)) is not None:
            return given
        project, payload = context.project, context.task.payload
        wanted = project.spec.profile if project.spec else payload.get("profile")
        profiles = [self._catalog.load(name).profile for name in ((str(wanted),) if wanted else GENERAL)]
        instruction = payload.get("instruction") or payload.get("feedback")
        words = project.prompt if not instruction else f"{project.prompt}\n\n{instruction}"
        traits = await context.model_traits(Role.PLANNING)
        budget = room(traits, words, most=FILES_SHOWN)
        tests = ""
        if project.adopted and project.spec is None:
            tests = await tests_as_they_are(context, _likely(profiles, await context.files()))
        first = render(
            "planner_task",
            profiles=profiles,
            answer_lines=answer_lines(await context.model_traits(Role.CODE_GENERATION)),
            spec=spec_text(project.spec) if project.spec else "",
            files=await _there(context, f"{words}\n{tests}", budget) if project.spec or project.adopted else "",
            tests=tests,
            numbered=numbered(words),
        )
        talk = [
            Message(role="system", text=render("planner"), stable=True),
            Message(role="user", text=first, stable=True),
        ]
        names = [profile.name for profile in profiles]
        plan, talk = await ask_for(
            context, Role.PLANNING, talk, Plan, title="plan", traits=traits, check=lambda answer: to_spec(answer, names)
        )
        if open_questions := _questions(context, to_spec(plan, names)):
            answer = await context.ask(open_questions)
            if not means_yes(answer):
                talk.append(Message(role="user", text=render("planner_answers", answer=answer)))
                plan, talk = await ask_for(
                    context,
                    Role.PLANNING,
                    talk,
                    Plan,
                    title="plan by the answers",
                    traits=traits,
                    check=lambda answer: to_spec(answer, names),
                )
        if project.adopted and plan.toolchain is not None:
            plan = await confirmed(context, plan, talk, traits)
        plan = await self._complete(context, words, plan, talk, traits)
        spec = to_spec(plan, names)
        await context.write({SPEC_FILE: dump_spec(spec)}, title="write the spec", own=True)
        subject = f"plan: {instruction}" if instruction else f"plan: {spec.name}"
        await context.commit(" ".join(subject.split())[:72], requirements=[entry.id for entry in spec.requirements])
        return Outcome(verdict=Verdict.DONE, summary=_summary(spec), spec=spec)

    @staticmethod
    async def _complete(context: Context, words: str, plan: Plan, talk: list[Message], traits: Traits) -> Plan:
        """Ask what the lines that no requirement speaks for want, if there are any."""
        missing = left_over(words, plan)[:MAX_LINES_ASKED]
        if not missing:
            return plan
        lines = words.splitlines()
        listed = "\n".join(f"{number}| {lines[number - 1]}" for number in missing)
        question = Message(role="user", text=render("planner_review", lines=listed))
        asked = [*talk, question]
        further, _ = await ask_for(context, Role.PLANNING, asked, Further, title="review the plan", traits=traits)
        return plan.model_copy(update={"requirements": (*plan.requirements, *further.requirements)})


def _questions(context: Context, spec: Spec) -> str:
    """What a plan leaves open and its user is to be asked; "" where that is no gate, or nothing new is open."""
    known = context.project.spec.questions if context.project.spec else ()
    fresh = [question for question in spec.questions if question not in known]
    if Gate.QUESTIONS not in context.project.gates or not fresh:
        return ""
    listed = (f"({number}) {question}" for number, question in enumerate(fresh, 1))
    return f"{' '.join(listed)} Answer in your own words, or with yes where all of it may be so."


def _likely(profiles: Sequence[Profile], files: Sequence[str]) -> Profile:
    """The profile whose marks a repository bears; the first where none does."""
    marked = (profile for profile in profiles if {mark.partition(":")[0] for mark in profile.detect} & {*files})
    return next(marked, profiles[0])


async def _there(context: Context, words: str, budget: int) -> str:
    paths = [path for path in await context.files() if not path.startswith(".smaker/")]
    if context.project.spec is not None and not context.project.adopted:
        return "\n".join(paths)
    return await repository(context, paths, budget=budget, about=words)


def _summary(spec: Spec) -> str:
    parts = [
        counted(len(spec.requirements), "requirement"),
        counted(len(spec.modules), "module"),
        f"profile {spec.profile}",
    ]
    if spec.questions:
        parts.append(counted(len(spec.questions), "assumption"))
    return ", ".join(parts)
