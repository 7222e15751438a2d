"""The fixer: a model mends what the runner found; tests are out of its reach, but it may dispute one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smaker.agents.evidence import is_test_file
from smaker.agents.model.affected import Affected
from smaker.agents.model.choosing import chosen
from smaker.agents.model.coder import lint
from smaker.agents.model.found import findings_text
from smaker.agents.model.guards import outside_of_tests
from smaker.agents.model.loop import Work
from smaker.agents.model.plan import spec_text
from smaker.agents.model.showing import repository
from smaker.agents.model.since import changed_since_it_held
from smaker.agents.model.talk import file_format, room
from smaker.agents.prompts import render
from smaker.agents.web.paths import signature, slug
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.errors import ModelError
from smaker.core.mending import findings_of
from smaker.core.models import Dispute, Finding, Outcome, Verdict
from smaker.core.ports import Role
from smaker.core.profile import Profile
from smaker.profiles import Catalog

FILES_SHOWN = 18_000  # tokens
_STYLES = (".css", ".scss", ".sass", ".less")
_PAGES = (".html", ".htm", *_STYLES)
_DISPUTE = re.compile(
    r"<dispute\s+(?P<what>test|path)=(?P<mark>[\"'])(?P<name>[^\n]+?)(?P=mark)\s*>(?P<reason>.*?)</dispute>", re.DOTALL
)


class ModelFixer:
    """Implements `smaker.core.ports.Agent` for the stage "fix"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Mend findings. Raises ModelError."""
        profile = self._catalog.of(context.spec).profile
        findings = findings_of(context.task)
        await _begin_anew(context, profile)
        first, matter, others = await _files(context, profile, findings)
        traits = await context.model_traits(Role.FIXING)
        words, plan, found = context.project.prompt, spec_text(context.spec), findings_text(findings)
        since = await changed_since_it_held(context)
        budget = room(traits, words, plan, found, since, most=FILES_SHOWN)
        affected = Affected(context, profile, findings)
        work = Work(
            context=context,
            role=Role.FIXING,
            title=f"mend {counted(len(findings), 'finding')}",
            system=render("fixer", edit_format=file_format(traits)),
            traits=traits,
            turn=turn if isinstance(turn := context.task.payload.get("turn", 0), int) else 0,
            task=render(
                "fixer_task",
                prompt=words,
                spec=plan,
                findings=found,
                since=since,
                files=await repository(context, matter, budget=budget, about=found, first=first),
                others=", ".join(others[:60]),
            ),
            guard=outside_of_tests(profile),
            check=lambda: _gate(context, profile, work, affected, findings),
            choose=lambda guard, replies: chosen(context, profile, guard, replies),
        )
        await context.prepare(profile)
        try:
            await work.run()
        except ModelError as error:
            if error.code != "E_MODEL_STUCK" or not affected.told:
                raise
            # what it mended stands, and what it could not is for the next round, perhaps of another model
        disputes = disputes_in(work.prose, findings)
        await context.commit(f"fix: {findings[0].message if findings else 'what was found'}"[:72])
        said = f"{counted(len(work.written), 'file')} in {counted(work.turns, 'answer')}" + (
            f", {len(disputes)} tests or paths disputed" if disputes else ""
        )
        return Outcome(verdict=Verdict.DONE, summary=said, disputes=disputes)


async def _begin_anew(context: Context, profile: Profile) -> None:
    """Where rounds brought nothing: take the best files there were, but leave the tests and the plan as they are."""
    tree = context.task.payload.get("back_to")
    if not isinstance(tree, str):
        return
    changed = await context.changes(await context.tree(), tree)
    kept = (f"{profile.acceptance}/", ".smaker/")
    files = {path: entry[1] if entry else None for path, entry in changed.items() if not path.startswith(kept)}
    if files:
        await context.write(files, title="go back to the best files there were")


async def _gate(context: Context, profile: Profile, work: Work, affected: Affected, findings: Sequence[Finding]) -> str:
    disputes = disputes_in(work.prose, findings)
    if not work.written and not disputes:
        return "Nothing is changed yet. Mend the files, or dispute a test or a path that failed with your reasons."
    if not work.written:
        return ""
    return await lint(context, profile) or await affected.wrong({dispute.test for dispute in disputes})


async def _files(
    context: Context, profile: Profile, findings: Sequence[Finding]
) -> tuple[list[str], list[str], list[str]]:
    """The files that findings name, with the tests that failed; all files that may matter, those first; the rest."""
    there = [path for path in await context.files() if not path.startswith(".smaker/")]
    named = {finding.file for finding in findings if finding.file}
    failing = {finding.test.partition("::")[0] for finding in findings if finding.test}
    first = [path for path in there if path in named and not path.startswith(f"{profile.acceptance}/")]
    first += [path for path in there if path in failing and path not in first]
    aside = {path for path in there if is_test_file(profile.dialect, path)}
    if all(map(_does_not_look, findings)):
        aside |= {path for path in there if path.endswith(_STYLES)}
    if all(finding.source == "browser" for finding in findings):
        aside |= {path for path in there if path.startswith(f"{profile.acceptance.partition('/')[0]}/")}
        first += [path for path in there if path.endswith(_PAGES) and path not in first and path not in aside]
    matter = [*first, *(path for path in there if path not in first and path not in aside)]
    return first, matter, [path for path in there if path not in matter]


def _does_not_look(finding: Finding) -> bool:
    """Whether a finding is about what pages do: their style sheets are named, and read where they matter after all."""
    if finding.source != "browser" or finding.signature.startswith("browser:accessibility:"):
        return False
    displays = (finding.expected or "").startswith(("visible ", "hidden ", "gone "))
    return not displays and "could not be done" not in (finding.seen or "")


def disputes_in(text: str, findings: Sequence[Finding] = ()) -> tuple[Dispute, ...]:
    """The tests that an answer disputes, and the paths, which must be among the findings."""
    failed = {finding.signature: finding for finding in findings if finding.source == "browser"}
    found: list[Dispute] = []
    for match in _DISPUTE.finditer(text):
        name, reason = match["name"].strip(), " ".join(match["reason"].split())[:2000]
        if match["what"] == "test":
            found.append(Dispute(test=name, reason=reason))
        elif finding := failed.get(signature(name)):
            found.append(Dispute(path=slug(name), reason=reason, found=findings_text([finding])))
    return tuple(found)
