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

import pytest

from smaker.agents.evidence import parse_junit, read_tests
from smaker.core.models import TestSource, TestStatus
from smaker.core.spec import Spec
from smaker.profiles import Catalog, LoadedProfile


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

    def format(self) -> None:
        """Run the profile's formatters."""
        for argv in self.loaded.profile.format:
            self.run(argv)

    def lint(self) -> str:
        """Return what the profile's linters have to say: nothing if all is well."""
        ran = [self.run(argv) for argv in self.loaded.profile.lint]
        return "".join(result.stdout + result.stderr for result in ran if result.returncode)

    def test(self, *more: str) -> dict[str, TestStatus]:
        """Run the profile's test command and return id -> status; parametrised tests have the worst of their cases."""
        report = self.folder / self.loaded.profile.junit
        report.unlink(missing_ok=True)
        ran = self.run((*self.loaded.profile.test, *more))
        assert report.is_file(), ran.stdout + ran.stderr
        found = {
            result.id: result.status
            for result in parse_junit(report.read_bytes(), dialect=self.loaded.profile.dialect, root=str(self.folder))
        }
        if ran.returncode and not any(status is TestStatus.FAILED for status in found.values()):
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


def _environment(loaded: LoadedProfile, spec: Spec) -> Path | None:
    """The virtual environment with a profile's dependencies: made once for each list of them, and kept."""
    declared = loaded.profile.environment
    if declared.kind == "none":
        return None
    project = tomllib.loads(loaded.render("template", spec)[declared.manifest].decode())["project"]
    extras = project.get("optional-dependencies", {})
    wanted = sorted({*project.get("dependencies", []), *(item for extra in declared.extras for item in extras[extra])})
    key = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("SMAKER_TEST_ENV_CACHE", Path("~/.cache/smaker-test-envs").expanduser()))
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / key
    with (cache / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").is_file():
            venv.create(folder, clear=True, with_pip=True)
            installer = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted]
            installed = subprocess.run(installer, capture_output=True, text=True, check=False, timeout=600)
            assert installed.returncode == 0, installed.stderr
            (folder / "complete").write_text("\n".join(wanted))
    return folder
