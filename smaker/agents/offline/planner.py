"""The offline planner: a prompt, or a further step, becomes a spec by rules; the spec becomes a file in the project."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue, ValidationError

from smaker.agents.given import take_given, tell_reworded
from smaker.agents.offline.coder import format_files
from smaker.agents.offline.reader import extend_spec, read_prompt, reword
from smaker.config.spec_file import SPEC_FILE, dump_spec, load_spec
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.errors import ConfigError
from smaker.core.models import Outcome, StepKind, Verdict
from smaker.core.spec import Spec
from smaker.profiles import Catalog


class OfflinePlanner:
    """Implements `smaker.core.ports.Agent` for the stage "spec"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Plan. Raises Refused where the prompt is outside what the blueprints can do, or where an edited plan would
        say one thing and have another built."""
        if (given := await take_given(context, reword)) is not None:
            await self._renew_skeleton(context, given.spec)
            return given
        project = context.project
        instruction = context.task.payload.get("instruction") or context.task.payload.get("feedback")
        supported = {loaded.profile.name: loaded.profile.operations for loaded in self._catalog.all()}
        edited = await self._edited(context)

        async def plan() -> dict[str, JsonValue]:
            known = reword(project.spec, edited) if edited and project.spec else project.spec
            if instruction and known is not None:
                spec = extend_spec(known, str(instruction), supported=supported)
            elif edited is not None and known is not None:
                spec = known
            else:
                prompt = f"{project.prompt}\n{instruction}" if instruction else project.prompt
                spec = read_prompt(prompt, profile=project.profile, supported=supported)
            return {"spec": spec.model_dump(mode="json", exclude_defaults=True)}

        payload: dict[str, JsonValue] = {
            "prompt": project.prompt,
            "instruction": str(instruction) if instruction else None,
            "edited": dump_spec(edited).decode() if edited else None,
        }
        read: dict[str, Any] = await context.effect(StepKind.CHECK, "read the prompt", payload, plan)
        spec = Spec.model_validate(read["spec"])
        await context.write({SPEC_FILE: dump_spec(spec)}, title="write the spec", own=True)
        subject = f"plan: {instruction}" if instruction else f"plan: {spec.name}"
        await context.commit(
            " ".join(subject.split())[:72], requirements=[requirement.id for requirement in spec.requirements]
        )
        await self._renew_skeleton(context, spec)
        told = tell_reworded(edited, spec) if edited is not None else ""
        return Outcome(verdict=Verdict.DONE, summary=f"{_summary(spec)}{told}", spec=spec)

    async def _renew_skeleton(self, context: Context, spec: Spec | None) -> None:
        """Where there is a skeleton, write what that of the new plan has otherwise: the blueprints build on it."""
        known = context.project.spec
        if spec is None or known is None or context.project.skeleton is None:
            return
        loaded = self._catalog.of(spec)
        before, after = loaded.render("template", known), loaded.render("template", spec)
        changed = {path: content for path, content in after.items() if before.get(path) != content}
        if changed:
            await context.write({**changed}, title=f"write {counted(len(changed), 'file')} of the skeleton")
            await format_files(context, loaded)
            await context.commit(f"skeleton: {', '.join(sorted(changed))}"[:72])

    @staticmethod
    async def _edited(context: Context) -> Spec | None:
        """The spec file, if there is a plan and the user changed its file since."""
        known = context.project.spec
        if known is None:
            return None
        try:
            written = load_spec(await context.read_or(SPEC_FILE))
        except (ValidationError, ValueError) as error:
            raise ConfigError(
                f"{SPEC_FILE}: {error}",
                hint="Mend the file, or bring back what was there with: git checkout -- .smaker",
            ) from error
        return None if written == known else written


def _summary(spec: Spec) -> str:
    parts = [
        counted(len(spec.requirements), "requirement"),
        f"{len(spec.entities)} entities",
        f"profile {spec.profile}",
    ]
    if spec.questions:
        parts.append(f"{len(spec.questions)} open questions")
    if spec.unsupported:
        parts.append(f"{len(spec.unsupported)} things this builder cannot do")
    return ", ".join(parts)
