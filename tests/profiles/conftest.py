"""Builds a spec with a profile in a folder, as the offline agents do, and runs the profile's own commands there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.agents.evidence import parse_junit, read_tests
from smaker.core.models import TestSource
from smaker.core.spec import Entity, FieldType, Module, Operation, OperationKind, ProductKind, Requirement, Spec
from smaker.profiles import Catalog, LoadedProfile

CACHE = Path(os.environ.get("SMAKER_TEST_ENV_CACHE") or Path.home() / ".cache" / "smaker-test-envs")
"""Read when the tests are collected: each test has a home of its own."""

FAST = Path("/dev/shm")
"""A file system in memory, if there is one: databases under test wait for no disk."""
UNMEASURED = {"pytest": ["--no-cov"], "node": []}
"""Options that leave out the measuring of coverage, which takes as long as the tests."""


@dataclass(frozen=True)
class Workbench:
    """A project being built in ``folder`` for ``spec``; ``environment`` is the virtual environment it runs in."""

    spec: Spec
    folder: Path
    loaded: LoadedProfile
    environment: Path | None

    def skeleton(self) -> None:
        """Write and format the skeleton."""
        self._write("template")
        self.format()

    def implement(self) -> None:
        """Write and format the blueprints, entities first."""
        for entity in self.spec.entities:
            self._write("blueprint/entity", entity.name)
        self._write("blueprint/project")
        self.format()

    def implement_entity(self, name: str) -> None:
        """Write and format the blueprint of one entity."""
        self._write("blueprint/entity", name)
        self.format()

    def accept(self) -> list[TestSource]:
        """Write and format the acceptance tests, and return what their source says."""
        before = {path for path in self.folder.rglob("*") if path.is_file()}
        for entity in self.spec.entities:
            self._write("acceptance/entity", entity.name)
        self._write("acceptance/project")
        self.format()
        written = sorted(path for path in self.folder.rglob("*") if path.is_file() and path not in before)
        return [
            source
            for path in written
            if path.suffix in {".py", ".js", ".mjs"}
            for source in read_tests(
                self.loaded.profile.dialect, path.relative_to(self.folder).as_posix(), path.read_text()
            )
        ]

    def sources(self) -> list[TestSource]:
        """What the source of every test in the folder says."""
        return [
            source
            for path in sorted(self.folder.rglob("*.test.js"))
            for source in read_tests("node", path.relative_to(self.folder).as_posix(), path.read_text())
        ]

    def format(self) -> None:
        """Run the profile's formatters."""
        for argv in self.loaded.profile.format:
            self.run(argv)

    def lint(self) -> str:
        """Return what the profile's linters have to say: nothing if all is well."""
        ran = [self.run(argv) for argv in self.loaded.profile.lint]
        return "".join(result.stdout + result.stderr for result in ran if result.returncode)

    def test(self, *more: str) -> dict[str, str]:
        """Run the profile's test command and return id -> status; parametrised tests have the worst of their cases."""
        report = self.folder / self.loaded.profile.junit
        report.unlink(missing_ok=True)
        ran = self.run((*self.loaded.profile.test, *more))
        assert report.is_file(), ran.stdout + ran.stderr
        dialect = self.loaded.profile.dialect
        known = self.sources() if dialect == "node" else ()  # Node 20 reports names without their files
        found = {
            result.id: result.status.value
            for result in parse_junit(report.read_bytes(), dialect=dialect, tests=known, root=str(self.folder))
        }
        if ran.returncode and not any(status == "failed" for status in found.values()):
            pytest.fail(ran.stdout + ran.stderr)
        return found

    def run(
        self, argv: Sequence[str], *, env: dict[str, str] | None = None, stdin: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder with its environment first on PATH."""
        path = os.environ["PATH"]
        if self.environment is not None:
            path = f"{self.environment / 'bin'}{os.pathsep}{path}"
        variables = {
            "PATH": path,
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **({"TMPDIR": str(FAST)} if FAST.is_dir() else {}),
            **(env or {}),
        }
        return subprocess.run(
            ["/usr/bin/env", *argv],
            cwd=self.folder,
            env=variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _write(self, part: str, entity: str | None = None) -> None:
        for path, content in self.loaded.render(
            part, self.spec, entity=self.spec.entity(entity) if entity else None
        ).items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


@pytest.fixture
def workbench(tmp_path: Path) -> Callable[[Spec], Workbench]:
    """A function that opens a folder for a spec, with its skeleton in it."""

    def open_workbench(spec: Spec) -> Workbench:
        loaded = Catalog().load(spec.profile)
        folder = tmp_path / spec.slug
        folder.mkdir()
        bench = Workbench(spec, folder, loaded, _environment(loaded, spec))
        bench.skeleton()
        return bench

    return open_workbench


@pytest.fixture
def build(workbench: Callable[[Spec], Workbench]) -> Callable[..., Workbench]:
    """A function that builds a spec and checks the promise of every profile on the way.

    The skeleton's own tests are green and each acceptance test is red on it; then all are green, and linters silent.
    Coverage is only ``measured`` where it is asked for.
    """

    def build_and_check(spec: Spec, *, measured: bool = False) -> Workbench:
        bench = workbench(spec)
        unmeasured = UNMEASURED[bench.loaded.profile.dialect]
        assert bench.lint() == ""
        sources = bench.accept()
        acceptance = {source.id for source in sources}
        assert {name for source in sources for name in source.requirements} == {item.id for item in spec.requirements}
        assert [source.id for source in sources if source.skipped or not source.assertions] == []
        before = bench.test(*unmeasured)
        assert {name for name, status in before.items() if status == "failed"} == acceptance
        assert len(before) > len(acceptance)
        bench.implement()
        after = bench.test(*([] if measured else unmeasured))
        assert {name: status for name, status in after.items() if status != "passed"} == {}
        assert after.keys() >= before.keys()
        assert bench.lint() == ""
        return bench

    return build_and_check


def _environment(loaded: LoadedProfile, spec: Spec) -> Path | None:
    """The virtual environment with a profile's dependencies: made once for each list of them, and kept."""
    declared = loaded.profile.environment
    if declared.kind == "none":
        return None
    project = tomllib.loads(loaded.render("template", spec)[declared.manifest].decode())["project"]
    extras = project.get("optional-dependencies", {})
    wanted = sorted({*project.get("dependencies", []), *(item for extra in declared.extras for item in extras[extra])})
    key = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / key
    with (CACHE / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").is_file():
            venv.create(folder, clear=True, with_pip=True)
            installer = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted]
            installed = subprocess.run(installer, capture_output=True, text=True, check=False, timeout=600)
            assert installed.returncode == 0, installed.stderr
            (folder / "complete").write_text("\n".join(wanted))
    return folder


@pytest.fixture
def plan() -> Callable[[str], dict[str, Any]]:
    """A function that reads entities and operations from ``plans/<name>.yaml``, as `make_spec` takes them."""

    def read(name: str) -> dict[str, Any]:
        content = yaml.safe_load((Path(__file__).parent / "plans" / f"{name}.yaml").read_text(encoding="utf-8"))
        return {
            "entities": [Entity.model_validate(entity) for entity in content["entities"]],
            "operations": [Operation.model_validate(operation) for operation in content["operations"]],
        }

    return read


@pytest.fixture
def make_spec() -> Callable[..., Spec]:
    """A function that writes a plan by hand, in the order the planner has: CRUD of each entity, then the rest."""
    return _make_spec


def _make_spec(
    slug: str,
    profile: str,
    kind: ProductKind,
    *,
    entities: Sequence[Entity] = (),
    operations: Sequence[Operation] = (),
    topics: Sequence[str] = (),
    users: bool = False,
    crud: Sequence[OperationKind] = (
        OperationKind.CREATE,
        OperationKind.LIST,
        OperationKind.READ,
        OperationKind.UPDATE,
        OperationKind.DELETE,
        OperationKind.VALIDATE,
    ),
) -> Spec:
    served = kind in {ProductKind.API, ProductKind.WEB}
    wanted = [Operation(kind=OperationKind.HEALTH)] if served else []
    if users:
        wanted += [Operation(kind=one) for one in (OperationKind.SIGN_UP, OperationKind.LOG_IN, OperationKind.LOG_OUT)]
    for entity in entities:
        wanted += [Operation(kind=one, entity=entity.name) for one in crud]
        wanted += [
            Operation(kind=OperationKind.UNIQUE, entity=entity.name, field=field.name)
            for field in entity.fields
            if field.unique
        ]
        wanted += [
            Operation(kind=OperationKind.REFERENCE, entity=entity.name, field=field.name)
            for field in entity.fields
            if field.type is FieldType.REFERENCE
        ]
        if entity.owned:
            wanted.append(Operation(kind=OperationKind.OWN, entity=entity.name))
    wanted += operations
    requirements = tuple(
        Requirement(id=f"R{number}", text=_sentence(operation), operation=operation)
        for number, operation in enumerate(wanted, start=1)
    )
    modules = [
        Module(
            name=entity.name,
            title=f"Keep {entity.plural}",
            entity=entity.name,
            requirements=tuple(
                item.id for item in requirements if item.operation and item.operation.entity == entity.name
            ),
        )
        for entity in entities
    ]
    last = Module(name="app", title="Put it together", depends_on=tuple(module.name for module in modules))
    return Spec(
        name=slug.replace("-", " ").capitalize(),
        slug=slug,
        summary=f"It keeps {', '.join(entity.plural for entity in entities) or ', '.join(topics)}.",
        kind=kind,
        profile=profile,
        requirements=requirements,
        entities=tuple(entities),
        modules=(*modules, last),
        topics=tuple(topics),
        users=users,
        gui=kind is ProductKind.WEB,
    )


def _sentence(operation: Operation) -> str:
    words = [operation.kind.value, operation.entity, operation.name, operation.field, operation.by, operation.topic]
    return " ".join(word.replace("_", " ") for word in words if word).capitalize() + "."
