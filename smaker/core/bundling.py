"""Gather a project's proof bundle from its record and its repository."""

from __future__ import annotations

from smaker.core.bundle import About, Claims, entries_of
from smaker.core.errors import BuildFailed, UsageError
from smaker.core.models import Artifact
from smaker.core.ports import Store, Workspace
from smaker.core.proof import Trace


async def gather(store: Store, workspace: Workspace, project: str, table: Trace, *, made_by: str) -> dict[str, bytes]:
    """The files of a bundle for what main holds now; ``table`` is its trace.

    Raises UsageError before there is a plan, BuildFailed (E_UNPROVED) where not every must-have requirement is proved
    by a run of exactly these files.
    """
    build = await store.build(project)
    spec, report, head = build.project.spec, build.report, await workspace.head()
    if spec is None or head is None:
        raise UsageError("There is nothing built yet.", hint=f"See what the build does: smaker status {project}")
    tree = await workspace.tree(head)
    if report is None or not table.holds or report.tree != tree:
        open_rows = ", ".join(row.requirement for row in table.unproved)
        why = table.stale or (
            f"not proved: {open_rows}" if open_rows else "the last run was of other files than main's"
        )
        raise BuildFailed(
            f"There is no proof to export: {why}.",
            hint=f"See the table with `smaker trace {project}`; run the tests with: smaker test {project}",
            code="E_UNPROVED",
        )
    claims = Claims(
        about=About(made_by=made_by, name=build.project.name, prompt=build.project.prompt, head=head, tree=tree),
        spec=spec,
        proofs=build.project.proofs,
        report=report,
        trace=table,
    )
    steps = sorted(await store.steps(project), key=lambda step: (int(step.task[1:]), step.index))
    artifacts = {
        f"{artifact.kind}/{artifact.name}": await store.get_blob(artifact.sha256)
        for artifact in _newest(await store.artifacts(project))
    }
    return entries_of(claims, steps, await workspace.bundle(), artifacts)


def _newest(artifacts: list[Artifact]) -> list[Artifact]:
    """Of artifacts of one kind and name the newest."""
    latest: dict[tuple[str, str], Artifact] = {}
    for artifact in sorted(artifacts, key=lambda entry: (entry.created_at, entry.id)):
        latest[artifact.kind, artifact.name] = artifact
    return list(latest.values())
