"""The deployer: starts finished software where its user can reach it, and reports where that is."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from smaker.agents.smoke import smoke_test
from smaker.core.context import Context
from smaker.core.errors import BuildFailed, UsageError
from smaker.core.models import DeployTarget, Finding, Outcome, Problem, StepKind, Verdict
from smaker.core.ports import Deployed, Deployer, Release
from smaker.core.profile import Profile
from smaker.core.taskfiles import EMPTY_TREE
from smaker.profiles import Catalog

OWN = ".smaker/"


class DeployAgent:
    """Implements `smaker.core.ports.Agent` for the stage "deploy"."""

    def __init__(self, catalog: Catalog, targets: Mapping[DeployTarget, Deployer]) -> None:
        self._catalog = catalog
        self._targets = targets

    async def run(self, context: Context) -> Outcome:
        """Deploy to the target the task or the project names. What is wrong with the software are findings for whoever
        mends it; the deployment before stays up then."""
        profile = self._catalog.of(context.spec).profile
        wanted = DeployTarget(str(context.task.payload.get("target") or context.project.deploy))
        target = self._targets[wanted]
        try:
            await self._complete(context, profile, wanted, target)
        except UsageError as error:
            return _failed(error.message, error.hint)
        try:
            deployed = await self._deploy(context, profile, wanted, target)
        except BuildFailed as error:
            finding = Finding(source="deploy", message=error.message, evidence=error.hint, signature="deploy")
            return Outcome(verdict=Verdict.FINDINGS, summary=error.message, findings=(finding,))
        for kept in deployed.kept:
            await context.keep(kept.kind, kept.name, kept.media_type, kept.text.encode())
        if deployed.deployment is None:
            summary = deployed.findings[0].message
            return Outcome(verdict=Verdict.FINDINGS, summary=summary, findings=deployed.findings)
        where = deployed.deployment
        return Outcome(
            verdict=Verdict.DONE, summary=f"answers at {where.url}", findings=deployed.findings, deployment=where
        )

    @staticmethod
    async def _complete(context: Context, profile: Profile, wanted: DeployTarget, target: Deployer) -> None:
        """Write and commit what the target needs and the project lacks: a Dockerfile, a Compose file."""
        paths = await context.files() if wanted is DeployTarget.COMPOSE else []
        lacking = target.lacking(profile, context.spec.package, paths)
        if lacking:
            await context.write(dict(lacking), title=f"write {', '.join(lacking)}")
            await context.commit(f"build: {', '.join(lacking)}")

    async def _deploy(self, context: Context, profile: Profile, wanted: DeployTarget, target: Deployer) -> Deployed:
        """Deploy once: the key is the task's, whatever its attempt, so that a target recognises what it began."""

        async def deploy() -> dict[str, JsonValue]:
            files: dict[str, tuple[str, bytes]] = {}
            if wanted is DeployTarget.COMPOSE:
                found = await context.changes(EMPTY_TREE)
                files = {path: entry for path, entry in found.items() if entry and not path.startswith(OWN)}
            with context.live() as say:
                release = Release(
                    key=f"{context.project.id}.{context.task.id}",
                    files=files,
                    say=say,
                    smoke=lambda url: smoke_test(url, context.spec),
                )
                deployed = await target.deploy(context.project, profile, release)
            if deployed.deployment is not None:
                for name, other in self._targets.items():
                    if name is not wanted:
                        await other.stop(context.project.id)
            return json.loads(await context.masked(deployed.model_dump_json()))

        title = f"deploy with the target {wanted}"
        output = await context.effect(StepKind.DEPLOY, title, {"target": wanted.value}, deploy)
        return Deployed.model_validate(output if "deployment" in output else {"deployment": output})


def _failed(message: str, hint: str) -> Outcome:
    return Outcome(verdict=Verdict.FAILED, summary=message, error=Problem(message=message, hint=hint))
