"""What every sandbox promises, whatever it holds: one suite over bubblewrap, containers and plain processes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.errors import PathError, Unavailable, UsageError
from smaker.core.http_probe import http_get
from smaker.core.ports import Command, Mount, Sandbox, SandboxLevel
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.docker import DockerSandbox
from smaker.sandbox.process import ProcessSandbox
from smaker.testing import Canaries, assert_safe_failure, fingerprint

CANARY = "canary-3141592653"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(BwrapSandbox, id="bwrap", marks=pytest.mark.sandbox),
        pytest.param(DockerSandbox, id="docker", marks=pytest.mark.engine),
        pytest.param(ProcessSandbox, id="process"),
    ],
)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return request.param()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def survivors(tmp_path: Path) -> Callable[[], list[int]]:
    """Pids of the processes whose command line holds the test's own folder."""

    def find() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if str(tmp_path).encode() in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    return find


def python(code: str, workspace: Path, **settings: object) -> Command:
    return Command.model_validate({"argv": ("python3", "-c", code), "workspace": workspace, **settings})


async def test_probe_says_what_was_found(sandbox: Sandbox) -> None:
    status = await sandbox.probe()
    assert status.name in {"bwrap", "docker", "process"}
    assert status.detail
    assert status.level is (SandboxLevel.OFF if status.name == "process" else SandboxLevel.STRONG)
    assert await sandbox.probe() is status


@pytest.mark.parametrize("code", [0, 1, 7, 255])
async def test_exit_codes_are_kept(sandbox: Sandbox, workspace: Path, code: int) -> None:
    result = await sandbox.run(Command(argv=("sh", "-c", f"exit {code}"), workspace=workspace))
    assert (result.exit_code, result.limit) == (code, None)


async def test_a_signal_is_told_as_shells_do(sandbox: Sandbox, workspace: Path) -> None:
    result = await sandbox.run(Command(argv=("sh", "-c", "kill -9 $$"), workspace=workspace))
    assert (result.exit_code, result.limit) == (137, None)


async def test_a_missing_program_is_told_and_not_the_sandboxs_fault(sandbox: Sandbox, workspace: Path) -> None:
    result = await sandbox.run(Command(argv=("no-such-program",), workspace=workspace))
    assert result.exit_code == 127
    assert "no-such-program" in result.output


async def test_output_comes_in_order_and_as_it_is_made(sandbox: Sandbox, workspace: Path) -> None:
    seen: list[tuple[float, str]] = []
    code = "import sys, time\nprint('one', flush=True)\ntime.sleep(0.4)\nprint('two', file=sys.stderr)\nprint('three')"
    result = await sandbox.run(python(code, workspace), lambda text: seen.append((time.monotonic(), text)))
    assert result.output == "one\ntwo\nthree\n"
    assert "".join(text for _, text in seen) == result.output
    assert seen[-1][0] - seen[0][0] > 0.2


async def test_characters_cut_in_two_arrive_whole(sandbox: Sandbox, workspace: Path) -> None:
    seen: list[str] = []
    code = (
        "import os, time\nfor byte in 'grün ☃'.encode():\n    os.write(1, bytes([byte])); time.sleep(0.005)\n"
        "os.write(1, b'\\xff\\xe2')"
    )
    result = await sandbox.run(python(code, workspace), seen.append)
    assert result.output == "".join(seen) == "grün ☃\ufffd\ufffd"


@pytest.mark.attack("C42", "C43")
async def test_words_are_never_read_by_a_shell(sandbox: Sandbox, workspace: Path) -> None:
    words = ("-rf", "--help", "$(id)", ";id", "`id`", "${x@P}", "a b", "\u200b", "x" * 1000 + " " * 1000, "'\"\\")
    for name in ("-rf", "--help", "$(id)", ";id"):
        (workspace / name).touch()
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    result = await sandbox.run(Command(argv=("python3", "-c", code, *words), workspace=workspace))
    assert tuple(json.loads(result.output)) == words
    assert sorted(path.name for path in workspace.iterdir()) == ["$(id)", "--help", "-rf", ";id"]


async def test_words_that_no_system_can_pass_on_are_refused(sandbox: Sandbox, workspace: Path) -> None:
    for argv in ((), ("echo", "a\0b"), ("echo", "x" * 200_000)):
        with pytest.raises(UsageError) as refusal:
            await sandbox.run(Command(argv=argv, workspace=workspace))
        assert refusal.value.hint
    long = tuple("x" * 100_000 for _ in range(12))
    result = await sandbox.run(Command(argv=("sh", "-c", "echo $#", "sh", *long), workspace=workspace))
    assert result.output == "12\n"
    odd = os.fsdecode(b"caf\xe9")
    result = await sandbox.run(
        Command(argv=("python3", "-c", "import os, sys; print(os.fsencode(sys.argv[1]))", odd), workspace=workspace)
    )
    assert result.output == "b'caf\\xe9'\n"


@pytest.mark.attack("C43")
async def test_a_hundred_links_and_shell_builtins_just_run(sandbox: Sandbox, workspace: Path) -> None:
    script = " && ".join(["export PATH=$PATH"] * 100 + ["echo done"])
    assert (await sandbox.run(Command(argv=("sh", "-c", script), workspace=workspace))).output == "done\n"


@pytest.mark.attack("C24", "C44")
async def test_the_environment_is_ours_alone(
    sandbox: Sandbox, workspace: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", CANARY)
    wanted = {
        "GREETING": "hallo\nwelt",
        "LD_PRELOAD": "/tmp/evil.so",
        "PYTHONSTARTUP": "evil.py",
        "NODE_OPTIONS": "--require=evil",
        "GIT_SSH_COMMAND": "evil",
        "BASH_ENV": "evil",
        "npm_config_script_shell": "evil",
        "PATH": "/evil",
        "BASH_FUNC_ls%%": "() { evil; }",
    }
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    result = await sandbox.run(python(code, workspace, env=wanted))
    seen = json.loads(result.output)
    assert_safe_failure(result, canaries=canaries)
    assert CANARY not in result.output
    assert "evil" not in result.output
    assert seen["GREETING"] == "hallo\nwelt"
    assert not set(seen) & (set(wanted) - {"GREETING", "PATH"})


async def test_folders_named_by_the_caller_come_first_in_path(
    sandbox: Sandbox, workspace: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools" / "bin"
    tools.mkdir(parents=True)
    (tools / "python3").write_text("#!/bin/sh\necho mine\n")
    (tools / "python3").chmod(0o755)
    mounts = (Mount(host=tools.parent, inside="/env"),)
    command = python("", workspace, mounts=mounts, path=("/env/bin",))
    assert (await sandbox.run(command)).output == "mine\n"


async def test_writable_mounts_are_written_through(sandbox: Sandbox, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    mounts = (Mount(host=tmp_path / "out", inside="/out", writable=True),)
    result = await sandbox.run(Command(argv=("cp", "/etc/hosts", "/out/copy"), workspace=workspace, mounts=mounts))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "copy").read_text()


async def test_it_runs_in_the_workspace_or_a_folder_of_it(sandbox: Sandbox, workspace: Path) -> None:
    (workspace / "sub").mkdir()
    result = await sandbox.run(Command(argv=("sh", "-c", "echo hi > made; ls .."), workspace=workspace, cwd="sub"))
    assert result.exit_code == 0
    assert (workspace / "sub" / "made").read_text() == "hi\n"
    assert "sub" in result.output


@pytest.mark.attack("F1", "F2", "F3", "F4")
@pytest.mark.parametrize("cwd", ["..", "/etc", "a/../../x", "missing", "leads-out", "file"])
async def test_other_folders_are_refused(sandbox: Sandbox, workspace: Path, canaries: Canaries, cwd: str) -> None:
    (workspace / "leads-out").symlink_to("/etc")
    (workspace / "file").touch()
    before = fingerprint(workspace)
    with pytest.raises(PathError) as refusal:
        await sandbox.run(Command(argv=("touch", "made"), workspace=workspace, cwd=cwd))
    assert_safe_failure(refusal.value, unchanged=before, canaries=canaries)


async def test_a_workspace_that_is_gone_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(PathError, match="nowhere"):
        await sandbox.run(Command(argv=("true",), workspace=tmp_path / "nowhere"))


@pytest.mark.attack("C35")
async def test_standard_input_is_given_or_at_its_end(sandbox: Sandbox, workspace: Path) -> None:
    data = "grüße\0".encode() * 50_000
    code = "import sys, hashlib; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    hashed = await sandbox.run(python(code, workspace, stdin=data))
    assert hashed.output.strip() == hashlib.sha256(data).hexdigest()
    asks = (
        "try: input('Password: ')\nexcept EOFError: print('end')\n"
        "try: open('/dev/tty')\nexcept OSError: print('no tty')"
    )
    asked = await sandbox.run(python(asks, workspace, timeout_s=10))
    assert asked.output == "Password: end\nno tty\n"
    assert asked.limit is None


@pytest.mark.attack("C41")
async def test_no_descriptor_is_inherited(sandbox: Sandbox, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    descriptor = os.open(tmp_path / "secret", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        code = "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"
        result = await sandbox.run(python(code, workspace))
    finally:
        os.close(descriptor)
    assert json.loads(result.output) == [0, 1, 2, 3]  # 3 is the listing's own


async def test_head_and_tail_are_kept(sandbox: Sandbox, workspace: Path) -> None:
    code = "print('first')\nfor i in range(200_000): print('line', i)\nprint('last')"
    result = await sandbox.run(python(code, workspace, max_output=10_000))
    assert result.output.startswith("first\n")
    assert result.output.endswith("\nlast\n")
    assert result.dropped_bytes > 1_000_000
    assert str(result.dropped_bytes) in result.output
    assert len(result.output) < 10_200


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.attack("C32")
@pytest.mark.parametrize("argv", [("yes",), ("tr", "\\0", "x")], ids=["lines", "one endless line"])
async def test_a_flood_is_stopped_and_does_not_fill_memory(
    sandbox: Sandbox, workspace: Path, argv: tuple[str, ...]
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    if argv[0] == "tr":
        argv = ("sh", "-c", "tr '\\0' x < /dev/zero")
    before = peak_mb()
    ticking = asyncio.create_task(tick())
    result = await sandbox.run(Command(argv=argv, workspace=workspace, timeout_s=30))
    ticking.cancel()
    assert_safe_failure(result, code="output", exit_code=137)
    assert result.dropped_bytes >= (63 << 20) - result.seconds
    assert peak_mb() - before < 50
    assert ticks >= 2, "the event loop stood still"


async def test_a_trickle_lasts_until_its_deadline(sandbox: Sandbox, workspace: Path) -> None:
    result = await sandbox.run(
        Command(argv=("sh", "-c", "while :; do echo drip; sleep 0.05; done"), workspace=workspace, timeout_s=0.6)
    )
    assert result.limit == "timeout"
    assert result.output.startswith("drip\ndrip\n")
    assert result.seconds < 1.6


STUBBORN = """
import os, signal, sys, time
for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(name, signal.SIG_IGN)
if not os.fork():                      # leaves the session
    os.setsid()
    time.sleep(60)
if not os.fork():                      # a daemon: its parent is gone
    if not os.fork():
        os.setsid()
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        time.sleep(60)
    os._exit(0)
print('started', flush=True)
time.sleep({0})
"""


@pytest.mark.attack("C33", "C34")
async def test_all_are_dead_at_the_deadline(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]], canaries: Canaries
) -> None:
    code = STUBBORN.format(60)
    began: list[float] = []
    command = Command(argv=("python3", "-c", code, str(workspace)), workspace=workspace, timeout_s=1.0)
    result = await sandbox.run(command, lambda _: began.append(time.monotonic()))
    assert time.monotonic() - began[0] < 2.0
    assert_safe_failure(result, code="timeout", exit_code=137, canaries=canaries, places=[workspace])
    assert result.output == "started\n"
    assert survivors() == []


@pytest.mark.attack("C33")
async def test_what_a_program_leaves_running_ends_with_it(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    command = Command(argv=("python3", "-c", STUBBORN.format(0.1), str(workspace)), workspace=workspace)
    result = await sandbox.run(command)
    assert (result.exit_code, result.limit) == (0, None)
    assert result.seconds < 10
    assert survivors() == []


async def test_cancellation_takes_the_tree_along(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    started = asyncio.Event()
    command = Command(argv=("python3", "-c", STUBBORN.format(60), str(workspace)), workspace=workspace)
    task = asyncio.create_task(sandbox.run(command, lambda _: started.set()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert survivors() == []


async def test_cancellation_before_anything_ran(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    await sandbox.probe()
    for turns in range(4):
        task = asyncio.create_task(sandbox.run(Command(argv=("sleep", "61", str(workspace)), workspace=workspace)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert survivors() == []


async def test_a_listener_that_fails_ends_the_command(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("the screen is gone")

    command = Command(argv=("python3", "-c", STUBBORN.format(60), str(workspace)), workspace=workspace)
    with pytest.raises(RuntimeError, match="screen is gone"):
        await sandbox.run(command, fail)
    assert survivors() == []


async def test_many_at_once(sandbox: Sandbox, workspace: Path) -> None:
    commands = [Command(argv=("sh", "-c", f"echo {n}; exit {n}"), workspace=workspace) for n in range(8)]
    results = await asyncio.gather(*(sandbox.run(command) for command in commands))
    assert [(result.exit_code, result.output) for result in results] == [(n, f"{n}\n") for n in range(8)]


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_no_descriptor_is_lost(sandbox: Sandbox, workspace: Path) -> None:
    async def use() -> None:
        await sandbox.run(Command(argv=("true",), workspace=workspace, stdin=b"x"))
        await sandbox.run(Command(argv=("sleep", "9"), workspace=workspace, timeout_s=0.05))
        process = await sandbox.start(web(workspace, free_port()))
        await process.stop()

    await use()
    before = open_descriptors()
    for _ in range(3):
        await use()
    assert open_descriptors() <= before


# --- in the background ------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web(workspace: Path, port: int) -> Command:
    (workspace / "index.html").write_text("hello from inside")
    argv = ("python3", "-m", "http.server", "--bind", "127.0.0.1", str(port))
    return Command(argv=argv, workspace=workspace, profile="web", port=port)


async def test_a_web_program_is_reached_and_stopped_whole(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    process = await sandbox.start(web(workspace, free_port()))
    try:
        await process.wait_for_port(timeout_s=20)
        assert process.socket is not None
        status, body = await http_get(process.socket, "/index.html", timeout_s=5)
        assert (status, body) == (200, b"hello from inside")
        await process.wait_for_text("GET /index.html", timeout_s=5)
        assert "GET /index.html" in process.tail(5)
        assert Path(f"/proc/{process.pid}").exists()
    finally:
        await process.stop()
    result = await process.wait()
    assert (result.limit, result.exit_code) == ("cancelled", 137)
    assert not Path(f"/proc/{process.pid}/exe").exists()
    assert not process.socket.exists()
    await process.stop()


ASK = """
import sys, urllib.request
for port in sys.argv[1:]:
    try:
        print(port, urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=5).read().decode())
    except OSError as error:
        print(port, "refused" if "refused" in str(error) else error)
"""


async def test_what_is_printed_in_the_background_is_heard(sandbox: Sandbox, workspace: Path) -> None:
    heard: list[str] = []
    process = await sandbox.start(python("print('grün')", workspace), heard.append)
    await process.wait()
    assert "".join(heard) == "grün\n"


async def test_another_box_reaches_the_ports_it_is_given(sandbox: Sandbox, workspace: Path) -> None:
    ports = [free_port() for _ in range(3)]
    processes = [await sandbox.start(web(workspace, port)) for port in ports[:2]]
    try:
        for process in processes:
            await process.wait_for_port(timeout_s=20)
        reach = {port: process.socket for port, process in zip(ports, processes, strict=False)}
        asking = ("python3", "-c", ASK, *map(str, ports))
        both = await sandbox.run(Command.model_validate({"argv": asking, "workspace": workspace, "reach": reach}))
        assert both.output.splitlines() == [
            f"{ports[0]} hello from inside",
            f"{ports[1]} hello from inside",
            f"{ports[2]} refused",
        ]
        onward = await sandbox.start(  # a program with a port of its own reaches others too
            Command.model_validate({**web(workspace, ports[2]).model_dump(), "reach": {ports[0]: processes[0].socket}}),
        )
        try:
            await onward.wait_for_port(timeout_s=20)
            assert onward.socket is not None
            assert (await http_get(onward.socket, "/index.html", timeout_s=5))[0] == 200
        finally:
            await onward.stop()
    finally:
        for process in processes:
            await process.stop()


async def test_a_program_that_ends_early_is_told_with_its_words(sandbox: Sandbox, workspace: Path) -> None:
    command = python("print('no such table: books'); raise SystemExit(3)", workspace, profile="web", port=free_port())
    for wait in ("port", "text"):
        process = await sandbox.start(command)
        with pytest.raises(Unavailable, match=r"(?s)exit code 3.*no such table: books"):
            if wait == "port":
                await process.wait_for_port(timeout_s=20)
            else:
                await process.wait_for_text("ready", timeout_s=20)
        assert (await process.wait()).exit_code == 3


async def test_waiting_has_an_end(sandbox: Sandbox, workspace: Path) -> None:
    command = python("import time; print('thinking', flush=True); time.sleep(60)", workspace, profile="web", port=9)
    process = await sandbox.start(command)
    try:
        await process.wait_for_text("thinking", timeout_s=20)
        with pytest.raises(Unavailable, match="not listening on port 9"):
            await process.wait_for_port(timeout_s=0.3)
        with pytest.raises(Unavailable, match=r"(?s)not printing 'ready'.*thinking"):
            await process.wait_for_text("ready", timeout_s=0.3)
    finally:
        await process.stop()


async def test_text_is_found_across_pieces_and_after_the_fact(sandbox: Sandbox, workspace: Path) -> None:
    code = "import time\nfor c in 'server ready':\n    print(c, end='', flush=True); time.sleep(0.01)\ntime.sleep(60)"
    process = await sandbox.start(python(code, workspace))
    try:
        await asyncio.gather(*(process.wait_for_text(text, timeout_s=10) for text in ("ready", "server ready", "r r")))
        await process.wait_for_text("server", timeout_s=0.1)
    finally:
        await process.stop()


async def test_a_background_program_has_no_deadline(sandbox: Sandbox, workspace: Path) -> None:
    process = await sandbox.start(
        Command(argv=("sh", "-c", "sleep 0.4; echo done"), workspace=workspace, timeout_s=0.1)
    )
    result = await process.wait()
    assert (result.exit_code, result.output, result.limit) == (0, "done\n", None)


FORGETFUL = """
import asyncio, sys
from pathlib import Path
from smaker.core.ports import Command
from smaker.sandbox.choose import choose_sandbox

async def main(kind, folder):
    sandbox = await choose_sandbox(kind)
    process = await sandbox.start(Command(argv=("sleep", "62", folder), workspace=Path(folder)))
    await process.wait_for_text("never", timeout_s=0.2)

try:
    asyncio.run(main(*sys.argv[1:]))
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("bwrap", marks=pytest.mark.sandbox),
        pytest.param("docker", marks=pytest.mark.engine),
        "process",
    ],
)
def test_programs_end_with_a_loop_that_forgot_them(
    kind: str, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    argv = [sys.executable, "-c", FORGETFUL, kind, str(workspace)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "Unavailable\n", ran.stderr
    assert survivors() == []
