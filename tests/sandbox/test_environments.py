"""Dependencies are installed once per distinct set, in a box, and never half used."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from smaker.core.errors import StorageError, Unavailable
from smaker.core.ports import Command, Mount, Sandbox
from smaker.core.profile import Environment, Profile
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.docker import DockerSandbox
from smaker.sandbox.environments import RECORD, CachedEnvironments, name_of
from smaker.sandbox.process import ProcessSandbox
from smaker.testing import Canaries, assert_safe_failure

pytestmark = pytest.mark.sandbox

PROFILE = Profile(name="p", title="P", description="", kind="library", environment=Environment(kind="python"))


def wheel(folder: Path, name: str, body: str) -> Path:
    """Make a wheel with one module and a program of the same name."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD")))
    return path


def project(folder: Path, *requirements: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(f"[project]\nname = 'x'\ndependencies = {list(requirements)}\n")
    return folder


def offline(patch: pytest.MonkeyPatch, wheels: Path) -> None:
    """Let pip know nothing but a folder of wheels."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        patch.delenv(name)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(wheels))


class House:
    """An environment with one package, made while two asked for it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.wheels = folder / "wheels"
        self.wheels.mkdir(parents=True)
        self.wheel = wheel(self.wheels, "greeter", "def main():\n    print('greetings')\n")
        offline(patch, self.wheels)
        self.cache = folder / "cache"
        self.workspace = project(folder / "project", "greeter")
        self.sandbox = BwrapSandbox()
        self.environments = CachedEnvironments(self.cache, self.sandbox)
        self.said: list[str] = []
        self.base = Path()
        self.mounts: tuple[Mount, ...] = asyncio.run(self._prepare())

    async def _prepare(self) -> tuple[Mount, ...]:
        first, second = await asyncio.gather(
            *(self.environments.prepare(PROFILE, self.workspace, self.said.append) for _ in range(2))
        )
        assert first == second
        (self.base,) = (path for path in self.cache.iterdir() if path.is_dir() and path != first[0].host)
        return first

    def environments_in(self, cache: Path, sandbox: Sandbox | None = None) -> CachedEnvironments:
        """Environments of another cache, which has the empty one already."""
        shutil.copytree(self.base, cache / self.base.name, symlinks=True)
        return CachedEnvironments(cache, sandbox or self.sandbox)

    @property
    def folder(self) -> Path:
        return self.mounts[0].host

    async def run(self, *argv: str) -> str:
        command = Command(argv=argv, workspace=self.workspace, mounts=self.mounts, path=("/env/bin",))
        result = await self.sandbox.run(command)
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        yield House(tmp_path_factory.mktemp("house"), patch)


def test_it_is_one_read_only_mount_and_was_made_once(house: House) -> None:
    (mount,) = house.mounts
    assert (mount.inside, mount.writable) == ("/env", False)
    assert "".join(house.said).count("Successfully installed greeter-1.0") == 1
    assert sorted(path.suffix for path in house.cache.iterdir()) == ["", "", ".lock", ".lock"]
    assert "".join(house.said).count("Making a Python environment") == 1


async def test_programs_of_the_environment_come_first_and_work(house: House) -> None:
    found = await house.run("sh", "-c", "for name in python pip greeter; do command -v $name; done")
    assert found.split() == ["/env/bin/python", "/env/bin/pip", "/env/bin/greeter"]
    assert await house.run("greeter") == "greetings\n"
    assert await house.run("python", "-c", "import greeter; greeter.main()") == "greetings\n"
    assert "from /env/lib/" in await house.run("pip", "--version")


@pytest.mark.engine
@pytest.mark.timeout(180)
async def test_containers_have_environments_of_their_own_one_for_each_image(house: House, tmp_path: Path) -> None:
    """Their Python is that of the image, and lies elsewhere."""
    sandbox = DockerSandbox()
    said: list[str] = []
    mounts = await CachedEnvironments(tmp_path / "cache", sandbox).prepare(PROFILE, house.workspace, said.append)
    assert mounts[0].host.name != house.folder.name
    assert "Successfully installed greeter-1.0" in "".join(said)
    command = Command(argv=("greeter",), workspace=house.workspace, mounts=mounts, path=("/env/bin",))
    assert (await sandbox.run(command)).output == "greetings\n"
    said.clear()
    again = CachedEnvironments(tmp_path / "cache", DockerSandbox())
    assert await again.prepare(PROFILE, house.workspace, said.append) == mounts
    assert said == []
    status = await sandbox.probe()
    other = status.model_copy(update={"image": "sha256:another"})
    assert name_of((), status) != name_of((), other)


async def test_it_is_compiled_and_cannot_be_changed(house: House) -> None:
    assert list(house.folder.rglob("greeter.*.pyc"))
    before = {path: path.stat().st_mtime_ns for path in house.folder.rglob("*")}
    command = Command(
        argv=("sh", "-c", "echo evil > /env/bin/pip; pip uninstall -y greeter; rm -rf /env/*"),
        workspace=house.workspace,
        mounts=house.mounts,
        path=("/env/bin",),
    )
    assert "Read-only file system" in (await house.sandbox.run(command)).output
    assert {path: path.stat().st_mtime_ns for path in house.folder.rglob("*")} == before


@pytest.mark.attack("C46")
def test_the_record_names_and_hashes_what_was_installed(house: House) -> None:
    record = json.loads((house.folder / RECORD).read_text())
    assert record["requirements"] == ["greeter"]
    digest = hashlib.sha256(house.wheel.read_bytes()).hexdigest()
    assert record["packages"] == [{"name": "greeter", "version": "1.0", "sha256": digest}]


async def test_equal_requirements_share_it_and_others_do_not(house: House, tmp_path: Path) -> None:
    again = CachedEnvironments(house.cache, house.sandbox)
    assert await again.prepare(PROFILE, project(tmp_path / "a", "greeter", "greeter ")) == house.mounts
    none = PROFILE.model_copy(update={"environment": Environment(kind="none")})
    assert await again.prepare(none, tmp_path / "nothing") == ()


@pytest.mark.attack("C46")
async def test_a_package_nobody_has_is_told_and_leaves_nothing(
    house: House, tmp_path: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, house.wheels)
    with pytest.raises(
        Unavailable, match=r"(?s)could not be installed.*No matching distribution found for gretter"
    ) as no:
        await house.environments.prepare(PROFILE, project(tmp_path / "p", "gretter"))
    assert_safe_failure(no.value, code="E_UNAVAILABLE", exit_code=4, canaries=canaries, places=[tmp_path])
    assert "name and version" in no.value.hint
    assert {path for path in house.cache.iterdir() if path.is_dir()} == {house.base, house.folder}


async def test_an_index_that_does_not_answer_is_told(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, tmp_path)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "https://localhost:1/simple")
    environments = house.environments_in(tmp_path / "cache", BwrapSandbox())
    with pytest.raises(Unavailable, match="No matching distribution") as no:
        await environments.prepare(PROFILE, project(tmp_path / "p", "greeter"))
    assert "seems to be offline" in no.value.hint


MALICIOUS = """
import json, os, socket, urllib.request
def attempt(function, *words):
    try: return str(function(*words))
    except Exception as error: return type(error).__name__
found = {
    "environment": [value for value in os.environ.values() if "canary" in value],
    "home": attempt(os.listdir, HOME),
    "host": attempt(socket.create_connection, ("127.0.0.1", PORT)),
    "elsewhere": attempt(urllib.request.urlopen, "https://example.com"),
    "workspace": attempt(os.listdir, WORKSPACE),
}
def get_requires_for_build_wheel(config_settings=None): return []
def prepare_metadata_for_build_wheel(folder, config_settings=None): raise SystemExit("FOUND " + json.dumps(found))
def build_wheel(*_, **__): raise SystemExit("FOUND " + json.dumps(found))
"""


@pytest.mark.attack("C45")
async def test_a_package_that_runs_code_at_installation_gets_nothing(
    house: House, tmp_path: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source distribution with a build backend of its own: the way stolen releases steal."""
    secret = tmp_path / "private"
    secret.mkdir()
    (secret / "id_ed25519").write_text("canary")
    workspace = tmp_path / "p"
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code = f"HOME, PORT, WORKSPACE = {str(secret)!r}, {port}, {str(workspace)!r}\n{MALICIOUS}"
        wheels = tmp_path / "wheels"
        wheels.mkdir()
        with zipfile.ZipFile(wheels / "thief-1.0.zip", "w") as archive:
            archive.writestr("thief-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n")
            build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            archive.writestr("thief-1.0/pyproject.toml", build)
            archive.writestr("thief-1.0/backend.py", code)
        offline(monkeypatch, wheels)
        said: list[str] = []
        environments = house.environments_in(tmp_path / "cache", BwrapSandbox())
        with pytest.raises(Unavailable) as no:
            await environments.prepare(PROFILE, project(workspace, "thief"), said.append)
    output = "".join(said)
    assert_safe_failure(no.value, code="E_UNAVAILABLE", exit_code=4, canaries=canaries, places=[output, tmp_path])
    found = json.loads(output.partition("FOUND ")[2].splitlines()[0])
    assert found == {
        "environment": [],
        "home": "FileNotFoundError",
        "host": "ConnectionRefusedError",
        "elsewhere": "URLError",
        "workspace": "FileNotFoundError",
    }


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from smaker.core.profile import Environment, Profile
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.environments import CachedEnvironments

def said(text):
    print(text, end="", flush=True)
    if sys.argv[3] in text:
        os.kill(os.getpid(), signal.SIGKILL)

profile = Profile(name="p", title="P", description="", kind="library", environment=Environment(kind="python"))
environments = CachedEnvironments(Path(sys.argv[1]), BwrapSandbox())
print(asyncio.run(environments.prepare(profile, Path(sys.argv[2]), said)))
"""


async def test_a_killed_installation_is_done_again_and_two_processes_wait_for_one(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, house.wheels)
    cache, workspace = tmp_path / "cache", project(tmp_path / "p", "greeter")
    house.environments_in(cache)

    async def start(kill_at: str) -> asyncio.subprocess.Process:
        words = (sys.executable, "-c", KILLED, str(cache), str(workspace), kill_at)
        return await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)

    killed = await start("Processing")
    await killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    half = cache / house.folder.name
    assert not (half / RECORD).exists()
    assert (half / "bin" / "python").exists()

    both = await asyncio.gather(start("never"), start("never"))
    outputs = [(await process.communicate())[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Successfully installed greeter" in output for output in outputs) == 1
    # on a busy machine the second may begin when the first is done, and then finds it there
    assert sum("Waiting for another process" in output for output in outputs) <= 1
    assert (half / RECORD).exists()
    assert sorted(path.suffix for path in cache.iterdir()) == ["", "", ".lock"]


async def test_without_a_box_it_is_made_where_it_stays(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, house.wheels)
    sandbox = ProcessSandbox()
    (mount,) = await CachedEnvironments(house.cache, sandbox).prepare(PROFILE, house.workspace)
    assert mount.host != house.folder
    command = Command(argv=("greeter",), workspace=house.workspace, mounts=(mount,), path=("/env/bin",))
    assert (await sandbox.run(command)).output == "greetings\n"


async def test_a_cache_that_cannot_be_written_is_told(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environments = CachedEnvironments(tmp_path / "file" / "cache", house.sandbox)
    with pytest.raises(StorageError, match="cannot be made"):
        await environments.prepare(PROFILE, house.workspace)


async def test_a_cancelled_installation_leaves_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, house.wheels)
    environments = house.environments_in(tmp_path / "cache")
    begun = asyncio.Event()
    said = lambda text: "Looking in links" in text and begun.set()  # noqa: E731
    preparing = asyncio.create_task(environments.prepare(PROFILE, house.workspace, said))
    await asyncio.wait_for(begun.wait(), 30)
    preparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {house.base.name, f"{house.folder.name}.lock"}


async def test_installations_can_be_kept_from_every_registry(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, house.wheels)
    monkeypatch.delenv("PIP_NO_INDEX")
    environments = house.environments_in(tmp_path / "cache", BwrapSandbox(reach="none"))
    with pytest.raises(Unavailable, match="No matching distribution") as no:
        await environments.prepare(PROFILE, project(tmp_path / "p", "gretter"))
    assert "sandbox.network" in no.value.hint
    assert await environments.prepare(PROFILE, project(tmp_path / "p", "greeter"))


@pytest.mark.registry
async def test_a_real_registry_is_reached_through_the_proxy(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "smaker.sandbox")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    environments = house.environments_in(tmp_path / "cache", BwrapSandbox())
    (mount,) = await environments.prepare(PROFILE, project(tmp_path / "p", "iniconfig==2.0.0"))
    package = json.loads((mount.host / RECORD).read_text())["packages"][0]
    assert (package["name"], package["version"], len(package["sha256"])) == ("iniconfig", "2.0.0", 64)
    assert "an installation reached" in caplog.text
    assert "iniconfig 2.0.0 sha256:" in caplog.text


@pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv on PATH")
async def test_uv_does_it_where_it_is(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offline(monkeypatch, house.wheels)
    environments = house.environments_in(tmp_path / "cache")
    said: list[str] = []
    (mount,) = await environments.prepare(PROFILE, house.workspace, said.append)
    assert "+ greeter==1.0" in "".join(said)
    assert json.loads((mount.host / RECORD).read_text())["packages"] == [
        {"name": "greeter", "version": "1.0", "sha256": ""}
    ]
    command = Command(argv=("greeter",), workspace=house.workspace, mounts=(mount,), path=("/env/bin",))
    assert (await house.sandbox.run(command)).output == "greetings\n"
