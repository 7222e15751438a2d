"""The deployer: starts finished software where its user can reach it, and reports where that is."""

from __future__ import annotations

from pydantic import JsonValue

from smaker.core.context import Context
from smaker.core.errors import BuildFailed
from smaker.core.models import Deployment, DeployTarget, Finding, Outcome, Problem, StepKind, Verdict
from smaker.core.ports import Deployer
from smaker.profiles import Catalog


class DeployAgent:
    """Implements `smaker.core.ports.Agent` for the stage "deploy"."""

    def __init__(self, catalog: Catalog, target: Deployer) -> None:
        self._catalog = catalog
        self._target = target

    async def run(self, context: Context) -> Outcome:
        """Deploy to the target the task or the project names."""
        profile = self._catalog.of(context.spec).profile
        wanted = DeployTarget(str(context.task.payload.get("target") or context.project.deploy))
        if wanted is DeployTarget.COMPOSE:
            return _failed(
                "Deploying with compose is not part of this version.", "Use: smaker deploy ID --target process"
            )
        if profile.port is None or not profile.start:
            return _failed(
                f"A {profile.title} has nothing that runs in the background.", "Use it with: smaker run ID -- --help"
            )

        async def deploy() -> dict[str, JsonValue]:
            return (await self._target.deploy(context.project, profile)).model_dump(mode="json")

        try:
            output = await context.effect(StepKind.DEPLOY, f"deploy as a {wanted}", {"target": wanted.value}, deploy)
        except BuildFailed as error:
            finding = Finding(source="deploy", message=error.message, evidence=error.hint, signature="deploy")
            return Outcome(verdict=Verdict.FINDINGS, summary=error.message, findings=(finding,))
        deployment = Deployment.model_validate(output)
        return Outcome(verdict=Verdict.DONE, summary=f"answers at {deployment.url}", deployment=deployment)


def _failed(message: str, hint: str) -> Outcome:
    return Outcome(verdict=Verdict.FAILED, summary=message, error=Problem(message=message, hint=hint))
