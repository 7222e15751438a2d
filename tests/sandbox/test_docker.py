"""Containers as boxes: what the engine is asked for, which image they have, and that none is ever left."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smaker.browser.boxed import BoxedBrowser
from smaker.core.errors import SandboxUnavailable, UsageError
from smaker.core.ports import Command, Mount, SandboxLevel
from smaker.sandbox import docker_engine, docker_image, seccomp
from smaker.sandbox.attack import attack
from smaker.sandbox.containers import ContainerTree, owner, remove_orphans
from smaker.sandbox.docker import DockerSandbox
from smaker.sandbox.limits import Limits
from smaker.sandbox.spawn import Program
from smaker.sandbox.streams import Joiner, join
from smaker.testing import Canaries, assert_safe_failure

pytestmark = pytest.mark.engine

Make = Callable[..., Command]
CANARY = "canary-1618033988"


@pytest.fixture(scope="session")
def contained() -> DockerSandbox:
    return DockerSandbox()


def docker(*words: str) -> str:
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def of_workspace(workspace: Path) -> list[str]:
    """The containers, running or not, that have ``workspace``; other tests have theirs."""
    return docker("ps", "--all", "--quiet", "--filter", f"volume={workspace}").split()


async def gone(workspace: Path) -> bool:
    for _ in range(100):
        if not of_workspace(workspace):
            return True
        await asyncio.sleep(0.05)
    return False


# --- what the engine is asked for -------------------------------------------------------------------------------------


@pytest.mark.attack("C23", "C24", "C27", "C36", "C38", "C40")
async def test_the_engine_gives_it_nothing_but_the_workspace(
    contained: DockerSandbox, workspace: Path, command: Make, isolated: Path, canaries: Canaries
) -> None:
    read = f"cat {isolated}/.ssh/* {isolated}/.netrc ~/.ssh/* /proc/*/environ /etc/shadow /proc/1/fd/*; env; sleep 0.6"
    running = asyncio.ensure_future(contained.run(command("sh", "-c", read)))
    while not (identifiers := of_workspace(workspace)):  # noqa: ASYNC110  the engine tells nobody
        await asyncio.sleep(0.02)
    (about,) = json.loads(docker("inspect", *identifiers))
    result = await running
    assert_safe_failure(result, says="No such file", canaries=canaries)
    host = about["HostConfig"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"], host["Privileged"]) == ("none", True, False)
    assert (host["CapDrop"], host["CapAdd"] or [], host["Devices"] or []) == (["ALL"], [], [])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["PidMode"], host["IpcMode"], host["AutoRemove"]) == ("", "private", True)
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (4096 << 20, 4096 << 20, 512)
    assert about["Config"]["User"] == f"{os.getuid()}:{os.getgid()}"
    writable = [mount["Destination"] for mount in about["Mounts"] if mount["RW"]]
    assert writable == ["/work"]
    assert not any("docker.sock" in mount["Source"] for mount in about["Mounts"])
    assert await gone(workspace)


async def test_only_the_workspace_and_memory_can_be_written(contained: DockerSandbox, command: Make) -> None:
    code = """
import json, os
writable = []
for top in os.listdir('/'):
    for parent, folders, files in os.walk('/' + top):
        if parent.startswith('/proc'):
            folders.clear()
        elif os.access(parent, os.W_OK):
            writable.append(parent)
            folders.clear()
print(json.dumps(sorted(writable)))
"""
    written = set(json.loads((await contained.run(command(code=code))).output))
    devices = {"/dev"} if os.getuid() == 0 else {"/dev/mqueue", "/dev/shm"}
    assert written == {"/home/maker", "/tmp", "/work"} | devices


@pytest.mark.attack("C37")
async def test_a_program_cannot_speak_for_the_first_process(contained: DockerSandbox, command: Make) -> None:
    """It has the same user, and the first process holds where the end is reported."""
    code = """
import os, signal
for number in range(3, 12):
    try:
        os.write(os.open(f'/proc/1/fd/{number}', os.O_WRONLY), b'{"exit-code": 0}\\n')
        print('written', number)
    except OSError as error:
        pass
for name in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
    os.kill(1, name)
raise SystemExit(7)
"""
    result = await contained.run(command(code=code, timeout_s=20))
    assert (result.exit_code, result.limit, result.output) == (7, None, "")


async def test_of_a_report_only_two_numbers_are_believed() -> None:
    read, write = os.pipe()
    child = await asyncio.create_subprocess_exec("sleep", "60")
    tree = ContainerTree(Program(child.pid, os.pidfd_open(child.pid)), read, memory=True, processes=True)
    os.write(write, b'{"child-pid": 1, "exit-code": 9999}\n{"exit-code": "0"}\nno json\n[]\n{"killed-for-memory": 2}\n')
    os.close(write)
    tree.kill()
    await tree.gone(5)
    assert (tree.exit_code, tree.out_of_memory()) == (None, 2)
    assert await child.wait() == -9
    tree.close()


async def test_it_never_shares_the_network(contained: DockerSandbox, command: Make) -> None:
    with pytest.raises(UsageError, match="never share") as refusal:
        await contained.run(command("true", network=True))
    assert "bwrap" in refusal.value.hint


async def test_it_has_no_browser_and_says_how_to_have_one(contained: DockerSandbox) -> None:
    status = await BoxedBrowser(contained).probe()
    assert status.level is SandboxLevel.OFF
    assert "programs of their image" in status.detail
    assert "bwrap" in status.remedy


async def test_what_it_should_see_and_is_not_there_is_named(
    contained: DockerSandbox, tmp_path: Path, workspace: Path, command: Make
) -> None:
    mounts = (Mount(host=tmp_path / "missing", inside="/env"),)
    with pytest.raises(SandboxUnavailable, match="missing"):
        await contained.run(command("true", mounts=mounts))
    assert await gone(workspace)


@pytest.mark.attack("C30")
async def test_memory_is_bounded_for_the_whole_box(command: Make) -> None:
    sandbox = DockerSandbox(Limits(memory_mb=300))
    code = """
import os, time
for _ in range(8):
    if not os.fork():
        room = bytearray(os.urandom(1)) * (100 << 20)
        time.sleep(20)
        os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.wait()[1]) and 1)
"""
    result = await sandbox.run(command(code=code, timeout_s=15))
    assert_safe_failure(result, code="memory")
    assert result.seconds < 10


# --- nothing is left --------------------------------------------------------------------------------------------------

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from smaker.core.ports import Command
from smaker.sandbox.docker import DockerSandbox

async def main(folder):
    code = "import os, time\\nos.fork() or os.setsid()\\nos.fork()\\nprint('up', flush=True)\\ntime.sleep(60)"
    command = Command(argv=("python3", "-c", code, folder), workspace=Path(folder))
    await DockerSandbox().run(command, lambda _: os.kill(os.getpid(), signal.SIGKILL))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.attack("C33")
async def test_killing_smaker_leaves_no_container(workspace: Path, running: Callable[[Path], list[str]]) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(workspace))
    assert await process.wait() == -9
    assert await gone(workspace)
    assert running(workspace) == []


@pytest.mark.attack("C33")
async def test_what_a_dead_one_left_is_removed_by_the_next_and_nothing_else(contained: DockerSandbox) -> None:
    """As when it dies between making a container and starting it, or the engine does."""
    await contained.probe()
    namespace, pid, begun = owner().split("-")
    made = {
        "dead": f"{namespace}-{pid}-{int(begun) + 1}",
        "alive": owner(),
        "elsewhere": f"{int(namespace) + 1}-{pid}-1",
        "stranger": None,
    }
    mark = uuid.uuid4().hex[:8]
    try:
        for name, whose in made.items():
            labels = () if whose is None else ("--label", "smaker.box=1", "--label", f"smaker.box.owner={whose}")
            docker("create", "--name", f"{mark}-{name}", *labels, "python:3.13-slim", "sleep", "60")
        await remove_orphans(await docker_engine.find())
        left = docker("ps", "--all", "--filter", f"name={mark}", "--format", "{{.Names}}").split()
        assert set(left) == {f"{mark}-{name}" for name in ("alive", "elsewhere", "stranger")}
    finally:
        docker("rm", "--force", *docker("ps", "--all", "--quiet", "--filter", f"name={mark}").split())


async def test_cancellation_at_any_moment_leaves_nothing(
    contained: DockerSandbox, workspace: Path, command: Make, running: Callable[[Path], list[str]]
) -> None:
    await contained.probe()
    for after in (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2):
        task = asyncio.create_task(contained.run(command("sh", "-c", "sleep 63; :", str(workspace))))
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert running(workspace) == []
    assert await gone(workspace)


# --- the image --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Let boxes have an image of other making; it is removed afterwards."""
    made: list[str] = []

    def set_to(steps: str) -> str:
        name = f"smaker-box-test:{uuid.uuid4().hex[:8]}"
        made.append(name)
        monkeypatch.setattr(docker_image, "RECIPE", f"FROM python:3.13-slim\n{steps}\n")
        monkeypatch.setattr(docker_image, "OURS", name)
        return name

    yield set_to
    for name in made:
        subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


async def test_the_image_is_made_once_and_everybody_hears_of_it(own_recipe: Callable[[str], str]) -> None:
    name = own_recipe("ENV PATH=/opt/tools:/usr/local/bin:/usr/bin:/bin")
    heard: list[str] = []
    first = await DockerSandbox(say=heard.append).probe()
    assert (first.level, first.image.startswith("sha256:")) == (SandboxLevel.STRONG, True)
    assert name in first.detail
    assert f"Making the image {name}" in heard[0]
    assert "Successfully built" in "".join(heard)
    heard.clear()
    sandbox = DockerSandbox(say=heard.append)
    assert await sandbox.probe() == first
    assert heard == []
    with tempfile.TemporaryDirectory() as folder:
        told = await sandbox.run(Command(argv=("sh", "-c", "echo $PATH"), workspace=Path(folder)))
    assert told.output.startswith("/opt/tools:/usr/local/bin:")


async def test_an_image_that_cannot_be_made_says_why_and_what_to_do(own_recipe: Callable[[str], str]) -> None:
    own_recipe("RUN echo the mirror is away >&2; exit 100")
    status = await DockerSandbox().probe()
    assert status.level is SandboxLevel.OFF
    assert "returned a non-zero code: 100" in status.detail
    assert "the mirror is away" in status.detail
    assert "sandbox.image" in status.remedy


async def test_an_image_that_cannot_be_pulled_is_named(command: Make) -> None:
    heard: list[str] = []
    sandbox = DockerSandbox(image="there-is-no-such-image:1", say=heard.append)
    with pytest.raises(SandboxUnavailable, match="there-is-no-such-image:1") as refusal:
        await sandbox.run(command("true"))
    assert "Pulling the image there-is-no-such-image:1" in heard[0]
    assert "sandbox.image" in refusal.value.hint


async def test_an_image_without_python_is_named(tmp_path: Path) -> None:
    name = f"smaker-box-test:{uuid.uuid4().hex[:8]}"
    (tmp_path / "empty").mkdir()
    packed = shutil.make_archive(str(tmp_path / "image"), "tar", tmp_path / "empty")
    docker("import", packed, name)
    try:
        status = await DockerSandbox(image=name).probe()
    finally:
        docker("image", "rm", name)
    assert status.level is SandboxLevel.OFF
    assert "python3" in status.detail
    assert "has python3" in status.remedy


# --- the engine -------------------------------------------------------------------------------------------------------


@pytest.mark.attack("C50")
async def test_without_an_engine_nothing_runs(
    tmp_path: Path, workspace: Path, command: Make, monkeypatch: pytest.MonkeyPatch, canaries: Canaries
) -> None:
    remedies = {
        f"unix://{tmp_path}/nothing.sock": "systemctl start docker",
        "tcp://192.0.2.1:2375": "docker context use default",
    }
    for address, remedy in remedies.items():
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SandboxUnavailable) as refusal:
            await DockerSandbox().run(command("touch", "ran"))
        assert remedy in refusal.value.hint
        assert_safe_failure(refusal.value, code="E_SANDBOX", exit_code=78, canaries=canaries)
    assert not (workspace / "ran").exists()


async def test_an_engine_that_talks_nonsense_or_falls_silent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(nonsense, tmp_path / "engine.sock"):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
        status = await DockerSandbox().probe()
    assert (status.level, "does not answer" in status.detail) == (SandboxLevel.OFF, True)


async def test_without_any_filter_of_system_calls_the_level_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "program", lambda: None)
    ask = docker_engine.Engine.ask

    async def bare(self: docker_engine.Engine, method: str, path: str, **how: object) -> object:
        answer = await ask(self, method, path, **how)
        return answer | {"SecurityOptions": []} if path == "/info" else answer

    monkeypatch.setattr(docker_engine.Engine, "ask", bare)
    status = await DockerSandbox().probe()
    assert (status.level, "partial" in status.detail) == (SandboxLevel.PARTIAL, True)


# --- who runs it ------------------------------------------------------------------------------------------------------

FORKS = "more processes than the bound"
AS_SOMEBODY = """
import asyncio, json, os, sys
from smaker.sandbox.attack import attack
from smaker.sandbox.docker import DockerSandbox

os.environ["DOCKER_HOST"] = sys.argv[1]
results = asyncio.run(attack(DockerSandbox()))
print(json.dumps({"uid": os.getuid(), "open": [one.name for one in results if not one.blocked], "all": len(results)}))
"""


class Door(Joiner):
    """A way to the engine for a user who has none."""

    def __init__(self, engine: Path) -> None:
        super().__init__()
        self._engine = engine

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await join((reader, writer), await asyncio.open_unix_connection(str(self._engine)))


@pytest.mark.attack("C23", "C24", "C25", "C26", "C27", "C29", "C30", "C31", "C36", "C37", "C38", "C39", "C40", "C41")
async def test_everything_is_blocked_for_whoever_runs_it(contained: DockerSandbox, canaries: Canaries) -> None:
    results = await attack(contained)
    assert len(results) == 37
    assert {result.name: result.detail for result in results if not result.blocked} == {}
    assert_safe_failure(None, canaries=canaries, places=[str(results)])


async def test_an_ordinary_user_is_as_safe(as_somebody) -> None:
    with tempfile.TemporaryDirectory(prefix="smaker-door-") as folder:
        place = Path(folder, "engine.sock")
        Path(folder).chmod(0o755)
        door = Door((await docker_engine.find()).address)
        async with await asyncio.start_unix_server(door.accept, place):
            place.chmod(0o666)
            ran = await asyncio.to_thread(as_somebody, AS_SOMEBODY, f"unix://{place}")
            await door.close()
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"uid": 12345, "open": [], "all": 37}


async def test_a_box_is_there_soon(contained: DockerSandbox, command: Make) -> None:
    """A container costs a fifth of a second; not seconds."""
    await contained.probe()
    times: list[float] = []
    for _ in range(3):
        begun = time.monotonic()
        await contained.run(command("true"))
        times.append(time.monotonic() - begun)
    assert min(times) < 2.0
