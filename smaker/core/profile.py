"""A stack profile: how software of one kind is set up, tested, linted, run and reported on."""

from __future__ import annotations

from typing import Literal

from smaker.core.spec import Frozen, Launch, ProductKind, Toolchain

WORKSPACE = "/work"
"""Where a command of a project sees the project's files."""


class Environment(Frozen):
    """How a profile's dependencies are installed. Projects that need the same share one environment."""

    kind: Literal["none", "python"] = "none"
    manifest: str | None = "pyproject.toml"  # where dependencies are declared: it must be there
    also: tuple[str, ...] = ()  # further manifests, each read if it is there
    extras: tuple[str, ...] = ("dev",)
    packages: tuple[str, ...] = ()  # installed whatever the manifests say


class Profile(Frozen):
    """A stack: how software of one kind is set up, tested, linted, run and reported on.

    Commands are argument vectors, run in the workspace; in ``start``, "{port}" stands for the port to listen on and
    "{package}" for the import name. ``variables`` are set for ``start``, with "{PACKAGE}" in capitals too, and
    "{workspace}" for the folder of the project.
    """

    name: str
    title: str
    description: str
    kind: ProductKind
    stack: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()  # operation kinds its blueprint can build
    environment: Environment = Environment()
    test: tuple[str, ...] = ()
    lint: tuple[tuple[str, ...], ...] = ()
    setup: tuple[tuple[str, ...], ...] = ()  # before the tests, with a way to registries
    checks: tuple[tuple[str, ...], ...] = ()  # after them; each must end with exit code 0
    format: tuple[tuple[str, ...], ...] = ()
    start: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    junit: str = "reports/junit.xml"
    coverage: str | None = None
    acceptance: str = "tests/acceptance"  # the folder the tester owns
    sources: str = "*"
    dialect: Literal["pytest", "node"] = "pytest"
    health: str | None = None
    port: int | None = None
    rules: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    detect: tuple[str, ...] = ()  # files or "file:text" marks by which a repository of this stack is recognised

    def launched(self, launch: Launch | None) -> Profile:
        """The profile of a product whose plan says itself how it is started."""
        if launch is None:
            return self
        return self.model_copy(
            update={
                "start": launch.argv,
                "port": launch.port,
                "health": launch.health,
                "variables": launch.variables,
            }
        )

    def equipped(self, toolchain: Toolchain | None) -> Profile:
        """The profile of a repository whose plan names its own tools."""
        if toolchain is None:
            return self
        return self.model_copy(update={"setup": toolchain.setup, "checks": toolchain.checks})

    def start_command(self, package: str) -> tuple[str, ...]:
        """The argument vector that starts the software."""
        return tuple(self._filled(part, package) for part in self.start)

    def start_variables(self, package: str) -> dict[str, str]:
        """The variables that are set for it."""
        return {self._filled(name, package): self._filled(value, package) for name, value in self.variables.items()}

    def _filled(self, text: str, package: str) -> str:
        named = text.replace("{package}", package).replace("{PACKAGE}", package.upper())
        return named.replace("{port}", str(self.port)).replace("{workspace}", WORKSPACE)
