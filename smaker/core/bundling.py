"""Gather a project's proof bundle from its record and its repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smaker.core.bundle import About, Claims, Exhibit, entries_of
from smaker.core.errors import BuildFailed, UsageError
from smaker.core.models import Artifact, Step, StepKind
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
    steps = sorted(await store.steps(project), key=lambda step: (int(step.task[1:]), step.index))
    newest = _newest(await store.artifacts(project))
    trees = {await workspace.tree(commit.sha) for commit in await workspace.history()}
    claims = Claims(
        about=About(made_by=made_by, name=build.project.name, prompt=build.project.prompt, head=head, tree=tree),
        spec=spec,
        proofs=build.project.proofs,
        report=report,
        trace=table.without_paths,
        exhibits=_exhibits([step for step in steps if step.tree in trees], newest),
    )
    artifacts = {f"{artifact.kind}/{artifact.name}": await store.get_blob(artifact.sha256) for artifact in newest}
    return entries_of(claims, steps, await workspace.bundle(), artifacts)


def _exhibits(steps: Sequence[Step], artifacts: Sequence[Artifact]) -> tuple[Exhibit, ...]:
    """The newest visits in a browser, by their titles, and the newest deployment, of which all that they left is still
    there."""
    latest: dict[tuple[StepKind, str], Exhibit] = {}
    for step in steps:
        if step.output and step.kind in {StepKind.BROWSER, StepKind.DEPLOY}:
            title = step.title if step.kind is StepKind.BROWSER else ""
            shown = Exhibit(step=step.id, kind=step.kind, title=step.title, output=step.output)
            latest[step.kind, title] = shown
    kept = {f"{artifact.kind}/{artifact.name}": artifact.sha256 for artifact in artifacts}
    return tuple(shown for shown in latest.values() if _is_there(shown, kept))


def _is_there(shown: Exhibit, kept: Mapping[str, str]) -> bool:
    if shown.kind is StepKind.DEPLOY:
        left = [f"{one['kind']}/{one['name']}" for one in shown.output.get("kept") or ()]
        return bool(left and shown.output.get("deployment")) and all(name in kept for name in left)
    return bool(shown.files) and all(
        sha in {kept.get(f"screenshot/{shown.title}/{name}"), kept.get(f"trace/{shown.title}/{name}")}
        for name, sha in shown.files.items()
    )


def _newest(artifacts: list[Artifact]) -> list[Artifact]:
    """Of artifacts of one kind and name the newest."""
    latest: dict[tuple[str, str], Artifact] = {}
    for artifact in sorted(artifacts, key=lambda entry: (entry.created_at, entry.id)):
        latest[artifact.kind, artifact.name] = artifact
    return list(latest.values())
