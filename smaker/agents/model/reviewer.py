"""The reviewer: a model reads software whose tests pass for what they do not see. What it doubts becomes a test, or
nothing: no claim of a model counts by itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from smaker.agents.evidence import is_test_file
from smaker.agents.model.plan import spec_text
from smaker.agents.model.showing import repository
from smaker.agents.model.structured import ask_for
from smaker.agents.model.talk import room
from smaker.agents.prompts import render
from smaker.core.context import Context
from smaker.core.models import Finding, Outcome, Severity, Verdict
from smaker.core.ports import Message, Role
from smaker.profiles import Catalog

FILES_SHOWN = 24_000  # tokens
MOST = 8


class Doubt(BaseModel):
    """One case in which the software may not do what the words say."""

    model_config = ConfigDict(extra="ignore")

    requirement: Annotated[str, Field(pattern=r"^R[1-9]\d{0,3}$")]
    file: str = ""
    case: Annotated[str, Field(min_length=3, max_length=2000)]
    expected: Annotated[str, Field(min_length=1, max_length=2000)]
    seen: Annotated[str, Field(max_length=2000)] = ""


class Review(BaseModel):
    """What a reviewer answers."""

    model_config = ConfigDict(extra="ignore")

    doubts: Annotated[tuple[Doubt, ...], Field(max_length=50)] = ()


class ModelReviewer:
    """Implements `smaker.core.ports.Agent` for the stage "review"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Read the software once. Raises ModelError."""
        profile = self._catalog.of(context.spec).profile
        there = [path for path in await context.files() if not path.startswith((".smaker/", "reports/"))]
        paths = [path for path in there if not is_test_file(profile.dialect, path)]
        skeleton = context.project.skeleton
        touched = set(await context.changes(skeleton)) if skeleton else set(paths)
        traits = await context.model_traits(Role.REVIEW)
        words, plan = context.project.prompt, spec_text(context.spec)
        tests = "\n".join(
            f"- {proof.source.id} ({', '.join(proof.source.requirements)})" for proof in context.project.proofs
        )
        files = await repository(
            context,
            paths,
            budget=room(traits, words, plan, tests, most=FILES_SHOWN),
            about=plan,
            first=[path for path in paths if path in touched],
        )
        task = render("reviewer_task", prompt=words, spec=plan, tests=tests, files=files)
        talk = [
            Message(role="system", text=render("reviewer", most=MOST), stable=True),
            Message(role="user", text=task, stable=True),
        ]
        known = {entry.id for entry in context.spec.requirements}

        def check(review: Review) -> None:
            strange = sorted({doubt.requirement for doubt in review.doubts} - known)
            if strange:
                raise ValueError(f"the plan has no {', '.join(strange)}")

        review, _ = await ask_for(context, Role.REVIEW, talk, Review, title="review", traits=traits, check=check)
        findings = tuple(_finding(doubt) for doubt in review.doubts[:MOST])
        summary = f"{len(findings)} doubts, to be tested" if findings else "nothing to object to"
        return Outcome(verdict=Verdict.DONE, summary=summary, findings=findings)


def _finding(doubt: Doubt) -> Finding:
    return Finding(
        source="review",
        severity=Severity.WARNING,
        message=" ".join(doubt.case.split()),
        file=doubt.file or None,
        requirements=(doubt.requirement,),
        expected=doubt.expected,
        seen=doubt.seen or None,
        signature=f"review {doubt.requirement}",
    )
