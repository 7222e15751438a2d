"""The policy of the strong sandbox, seen from inside and from outside."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command, Mount
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.limits import Limits
from smaker.testing import Canaries, assert_safe_failure

pytestmark = pytest.mark.sandbox

Make = Callable[..., Command]
Running = Callable[[Path], list[str]]
CANARY = "canary-2718281828"


@pytest.mark.attack("C23")
async def test_of_the_home_only_the_toolchain_is_there(
    box: BwrapSandbox, command: Make, isolated: Path, canaries: Canaries
) -> None:
    read = f"cat {isolated}/.ssh/* {isolated}/.netrc ~/.ssh/* /proc/*/environ; env"
    assert_safe_failure(await box.run(command("sh", "-c", read)), says="No such file", canaries=canaries)
    await box.probe()
    code = """
import json, os, sys
seen = []
for top in ('/root', '/home', os.environ['HOME'], '/etc', '/var', '/mnt', '/srv', '/opt', '/run', '/sys', '/boot'):
    for parent, folders, files in os.walk(top):
        if parent.startswith((sys.base_prefix, '/etc/')):
            folders.clear()
            continue
        seen += [os.path.join(parent, name) for name in files]
print(json.dumps([seen, sorted(os.listdir('/')), os.getuid()]))
"""
    files, top, uid = json.loads((await box.run(command(code=code))).output)
    assert [name for name in files if not name.startswith("/etc/")] == []
    assert {"etc", "usr", "work", "tmp", "home", "proc", "dev"} <= set(top)
    assert uid == 65534


async def test_passwords_and_private_keys_of_the_machine_are_not_there(box: BwrapSandbox, command: Make) -> None:
    result = await box.run(command("sh", "-c", "ls /etc /etc/ssl; cat /etc/passwd"))
    assert not {"shadow", "sudoers", "private", "ssh", "machine-id"} & set(result.output.split())
    assert result.output.count("\nmaker:") == 1


async def test_only_the_workspace_and_memory_can_be_written(box: BwrapSandbox, workspace: Path, command: Make) -> None:
    code = """
import json, os
writable = []
for top in os.listdir('/'):
    for parent, folders, files in os.walk('/' + top):
        if parent.startswith(('/usr/', '/proc/')) and parent.count('/') > 3:
            folders.clear()
        elif os.access(parent, os.W_OK) and not parent.startswith('/proc/'):
            writable.append(parent)
            folders.clear()
print(json.dumps(sorted(writable)))
"""
    result = await box.run(command(code=code))
    assert json.loads(result.output) == ["/dev/pts", "/dev/shm", "/home", "/tmp", "/work"]


@pytest.mark.attack("C25")
async def test_no_other_network_unless_the_user_wishes(box: BwrapSandbox, command: Make) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code = f"import socket; print(socket.create_connection(('127.0.0.1', {port})).recv(9))"
        alone = await box.run(command(code=code))
        shared = await box.run(command(code=code, network=True))
    assert "ConnectionRefusedError" in alone.output
    assert shared.output == "b'hello'\n"


async def test_a_port_of_the_machine_is_not_taken_for_a_box_with_its_network(box: BwrapSandbox, command: Make) -> None:
    result = await box.run(command("true", network=True, reach={8000: Path("/nowhere")}))
    assert result.exit_code == 0, result.output


@pytest.mark.attack("C30")
@pytest.mark.parametrize("groups", [True, False], ids=["control groups", "by looking"])
async def test_memory_is_bounded_for_the_whole_box(workspace: Path, command: Make, groups: bool) -> None:
    """Eight times 100 MB, each below the bound."""
    sandbox = BwrapSandbox(Limits(memory_mb=300), control_groups=groups)
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


@pytest.mark.attack("C29")
async def test_a_fork_bomb_is_ended_where_nothing_else_counts_processes(command: Make) -> None:
    sandbox = BwrapSandbox(Limits(processes=100), control_groups=False)
    code = "import os, time\nfor _ in range(150):\n    if not os.fork(): time.sleep(30)\ntime.sleep(30)"
    result = await sandbox.run(command(code=code, timeout_s=15))
    assert result.limit == "processes" if os.geteuid() == 0 else "BlockingIOError" in result.output
    assert result.seconds < 5


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from smaker.core.ports import Command
from smaker.sandbox.bwrap import BwrapSandbox

async def main(folder, groups):
    sandbox = BwrapSandbox(control_groups=groups == "True")
    code = "import os, time\\nos.fork() or os.setsid()\\nos.fork()\\nprint('up', flush=True)\\ntime.sleep(60)"
    for _ in range(2):
        process = await sandbox.start(Command(argv=("python3", "-c", code, folder), workspace=Path(folder)))
        await process.wait_for_text("up", timeout_s=20)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.attack("C33")
@pytest.mark.parametrize("groups", [True, False])
async def test_killing_smaker_leaves_no_survivor(workspace: Path, groups: bool, running: Running) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(workspace), str(groups))
    assert await process.wait() == -9
    for _ in range(100):
        if not running(workspace):
            return
        await asyncio.sleep(0.02)
    assert running(workspace) == []


async def test_a_box_that_cannot_be_set_up_is_not_a_failed_command(
    box: BwrapSandbox, tmp_path: Path, command: Make
) -> None:
    mounts = (Mount(host=tmp_path / "missing", inside="/env"),)
    with pytest.raises(SandboxUnavailable, match="missing"):
        await box.run(command("true", mounts=mounts))
    process = await box.start(command("true", mounts=mounts))
    with pytest.raises(SandboxUnavailable, match="missing"):
        await process.wait_for_text("ready", timeout_s=5)


@pytest.mark.parametrize(("profile", "reserved"), [("run", False), ("browser", True)])
async def test_only_a_browser_may_reserve_a_terabyte(
    box: BwrapSandbox, command: Make, profile: str, reserved: bool
) -> None:
    code = "import mmap; mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=0)"
    result = await box.run(command(code=code, profile=profile))
    assert (result.exit_code == 0) is reserved, result.output
