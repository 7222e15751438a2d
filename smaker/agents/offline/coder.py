"""The offline coder: renders a profile's skeleton, and the blueprint of each module of the plan."""

from __future__ import annotations

from smaker.agents.modules import module_of
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.errors import BuildFailed
from smaker.core.models import Outcome, Stage, Verdict
from smaker.profiles import Catalog, LoadedProfile


class OfflineCoder:
    """Implements `smaker.core.ports.Agent` for the stages "skeleton" and "implementation"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Write, format and commit the files of one task. Raises ConfigError if a template is broken."""
        spec = context.spec
        loaded = self._catalog.of(spec)
        if context.task.stage is Stage.SKELETON:
            files = loaded.render("template", spec)
            subject, requirements = f"skeleton: {spec.profile}", ()
        else:
            module = module_of(context)
            entity = spec.entity(module.entity) if module.entity else None
            files = loaded.render("blueprint/entity" if entity else "blueprint/project", spec, entity=entity)
            subject, requirements = f"{module.name}: {module.title}", module.requirements
        await context.write({**files}, title=f"write {counted(len(files), 'file')}")
        await format_files(context, loaded)
        await context.commit(subject[:72], requirements=requirements)
        return Outcome(verdict=Verdict.DONE, summary=counted(len(files), "file"))


async def format_files(context: Context, loaded: LoadedProfile) -> None:
    """Run the profile's formatters. Raises BuildFailed if one cannot read what was written."""
    if not loaded.profile.format:
        return
    await context.prepare(loaded.profile)
    for argv in loaded.profile.format:
        ran = await context.run(argv)
        if ran.exit_code not in {0, 1}:  # 1: something is left that a formatter does not mend; the run stage reports it
            raise BuildFailed(f"{' '.join(argv)} failed: {ran.output.strip()[-300:]}")
