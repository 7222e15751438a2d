"""The policy of the strong sandbox, seen from inside and from outside."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command, Mount
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.limits import Limits
from smaker.testing import Canaries, assert_safe_failure, fingerprint

pytestmark = pytest.mark.sandbox

Make = Callable[..., Command]
CANARY = "canary-2718281828"


async def test_git_is_hidden_and_cannot_be_touched(box: BwrapSandbox, workspace: Path, command: Make) -> None:
    (workspace / ".git" / "hooks").mkdir(parents=True)
    (workspace / ".git" / "config").write_text(CANARY)
    script = "ls -A .git; cat .git/config; echo x > .git/y; rm -rf .git; mv .git z; mkdir -p .git/hooks; chmod 777 .git"
    result = await box.run(command("sh", "-c", script))
    assert CANARY not in result.output
    assert (workspace / ".git" / "config").read_text() == CANARY
    assert sorted(path.name for path in (workspace / ".git").iterdir()) == ["config", "hooks"]
    assert not (workspace / "z").exists()


async def test_the_git_file_of_a_worktree_is_hidden(box: BwrapSandbox, workspace: Path, command: Make) -> None:
    (workspace / ".git").write_text(f"gitdir: /{CANARY}\n")
    result = await box.run(command("sh", "-c", "cat .git; echo evil > .git; rm .git; mv .git z; true"))
    assert CANARY not in result.output
    assert (workspace / ".git").read_text() == f"gitdir: /{CANARY}\n"


async def test_our_own_folder_is_read_only(box: BwrapSandbox, workspace: Path, command: Make) -> None:
    (workspace / ".smaker").mkdir()
    (workspace / ".smaker" / "spec.yaml").write_text("name: mine\n")
    script = "cat .smaker/spec.yaml; echo x >> .smaker/spec.yaml; rm -rf .smaker; mv .smaker z; touch .smaker/new"
    result = await box.run(command("sh", "-c", script))
    assert result.output.startswith("name: mine\n")
    assert (workspace / ".smaker" / "spec.yaml").read_text() == "name: mine\n"
    assert len(list((workspace / ".smaker").iterdir())) == 1


@pytest.mark.parametrize("name", [".git", ".smaker"])
async def test_links_in_their_place_are_not_followed(
    box: BwrapSandbox, workspace: Path, tmp_path: Path, command: Make, name: str
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text(CANARY)
    (workspace / name).symlink_to(tmp_path / "secrets")
    result = await box.run(command("sh", "-c", f"cat {name}/key; ls -la {name}/"))
    assert result.exit_code != 0
    assert CANARY not in result.output


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


@pytest.mark.attack("C28")
async def test_removing_everything_removes_only_the_workspace(
    box: BwrapSandbox, workspace: Path, tmp_path: Path, command: Make, canaries: Canaries
) -> None:
    (workspace / "a" / "b").mkdir(parents=True)
    (workspace / ".smaker").mkdir()
    (workspace / ".smaker" / "spec.yaml").touch()
    (tmp_path / "beside").write_text("kept")
    around = fingerprint(tmp_path, allowed=[workspace])
    before = {path: path.stat().st_mtime_ns for path in (Path("/usr/bin"), Path("/etc"), Path(sys.base_prefix))}
    await box.run(command("sh", "-c", "rm -rf ~ /home /tmp/* /work /etc /usr/bin /usr/sbin 2>/dev/null; true"))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert_safe_failure(None, unchanged=around, canaries=canaries, places=[tmp_path])
    assert [path.name for path in workspace.iterdir()] == [".smaker"]
    assert (workspace / ".smaker" / "spec.yaml").exists()


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


@pytest.mark.attack("C39")
async def test_nothing_of_the_kernels_can_be_written(box: BwrapSandbox, command: Make) -> None:
    """As root in a box is root to files of /proc, each of them has to be covered."""
    code = """
import os
for parent, folders, files in os.walk('/proc'):
    folders[:] = [name for name in folders if not name.isdigit() and name not in ('self', 'thread-self', 'pressure')]
    for name in files:
        path = os.path.join(parent, name)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            continue
        print(path)
"""
    result = await box.run(command(code=code))
    assert result.exit_code == 0
    assert set(result.output.split()) <= {"/proc/mtrr"}  # is /dev/null there
    null = await box.run(command("sh", "-c", "test -c /proc/mtrr || test ! -e /proc/mtrr"))
    assert null.exit_code == 0


@pytest.mark.attack("C26", "C38")
async def test_the_filter_closes_what_namespaces_leave_open(box: BwrapSandbox, command: Make) -> None:
    """A vsock reaches the machine that this one is a guest of; a keyring belongs to no namespace."""
    code = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
for family in (socket.AF_VSOCK, socket.AF_ALG, socket.AF_PACKET, socket.AF_CAN, 42, 44):
    try:
        socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        print(error.errno)
for flags in (0x10000000, 0x20000, 0x40000000):
    print(libc.unshare(flags), ctypes.get_errno())
import threading, subprocess, multiprocessing
thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()
print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout, end='')
"""
    result = await box.run(command(code=code))
    lines = result.output.split("\n")
    assert lines[:6] == ["97"] * 6
    assert lines[6:9] == ["-1 1"] * 3
    assert lines[9:11] == ["thread", "child"]


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


@pytest.mark.attack("C26")
async def test_names_are_not_resolved_without_a_network(box: BwrapSandbox, command: Make) -> None:
    code = "import socket\nprint(socket.gethostbyname('localhost'))\nsocket.gethostbyname('example.com')"
    result = await box.run(command(code=code, timeout_s=10))
    assert result.output.startswith("127.0.0.1\n")
    assert "gaierror" in result.output
    assert result.limit is None


@pytest.mark.attack("C47")
async def test_two_programs_listen_on_one_port(box: BwrapSandbox, workspace: Path, command: Make) -> None:
    made = command("python3", "-m", "http.server", "--bind", "127.0.0.1", "8000", profile="web", port=8000)
    first, second = await asyncio.gather(box.start(made), box.start(made))
    try:
        await asyncio.gather(first.wait_for_port(timeout_s=20), second.wait_for_port(timeout_s=20))
        assert first.socket != second.socket
    finally:
        await asyncio.gather(first.stop(), second.stop())


async def test_a_program_that_listens_on_ipv6_is_reached(box: BwrapSandbox, command: Make) -> None:
    process = await box.start(
        command("python3", "-m", "http.server", "--bind", "::1", "8000", profile="web", port=8000)
    )
    try:
        await process.wait_for_port(timeout_s=20)
    finally:
        await process.stop()


async def test_the_box_cannot_put_another_socket_in_place_of_its_own(box: BwrapSandbox, command: Make) -> None:
    code = "import os; print(os.path.exists('/run/smaker/web.sock'), os.listdir('/run/smaker'), flush=True); input()"
    process = await box.start(command(code=code, profile="web", port=8000))
    result = await process.wait()
    assert result.output.startswith("False ['relay.py']")


TRY = """
import os, socket, sys
print(sorted(os.listdir('/run/smaker')) if os.path.exists('/run/smaker') else [])
for port in map(int, sys.argv[1:]):
    try:
        with socket.create_connection(('127.0.0.1', port), timeout=5) as link:
            link.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
            print(port, link.recv(12).decode() or 'closed')
    except OSError as error:
        print(port, type(error).__name__)
for port in map(int, sys.argv[1:]):
    try:
        os.replace('/tmp', f'/run/smaker/{port}.sock')
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.mark.attack("C46")
async def test_a_box_reaches_the_ports_of_others_that_it_is_given_and_no_other(
    box: BwrapSandbox, command: Make
) -> None:
    serving = ("python3", "-m", "http.server", "--bind", "127.0.0.1")
    given = await box.start(command(*serving, "8000", profile="web", port=8000))
    kept = await box.start(command(*serving, "8001", profile="web", port=8001))
    try:
        await asyncio.gather(given.wait_for_port(timeout_s=20), kept.wait_for_port(timeout_s=20))
        trying = ("python3", "-c", TRY, "8000", "8001")
        refused = ["ConnectionRefusedError"] * 2
        result = await box.run(command(*trying))
        assert [line.partition(" ")[2] for line in result.output.splitlines()[1:3]] == refused
        result = await box.run(command(*trying, reach={8000: given.socket}))
        lines = result.output.splitlines()
        assert lines[:3] == ["['8000.sock', 'relay.py']", "8000 HTTP/1.0 200", "8001 ConnectionRefusedError"]
        assert set(lines[3:]) == {"OSError"}, "what it was given stays where it is"
        await given.stop()
        gone = await box.run(command(*trying, reach={8000: given.socket}))
        lines = gone.output.splitlines()
        assert lines[0] == "['relay.py']"
        assert lines[1] in {"8000 closed", "8000 ConnectionResetError"}
    finally:
        await asyncio.gather(given.stop(), kept.stop())


async def test_a_port_of_the_machine_is_not_taken_for_a_box_with_its_network(box: BwrapSandbox, command: Make) -> None:
    result = await box.run(command("true", network=True, reach={8000: Path("/nowhere")}))
    assert result.exit_code == 0, result.output


async def test_multiprocessing_and_sqlite_work(box: BwrapSandbox, workspace: Path, command: Make) -> None:
    code = """
import multiprocessing, sqlite3
with multiprocessing.Pool(2) as pool:
    print(sum(pool.map(abs, range(-5, 5))))
with sqlite3.connect('data.db') as db:
    db.execute('pragma journal_mode=wal'); db.execute('create table t(x)'); db.execute('insert into t values(1)')
    print(db.execute('select * from t').fetchall())
"""
    assert (await box.run(command(code=code))).output == "25\n[(1,)]\n"
    assert (workspace / "data.db").exists()


@pytest.mark.node
async def test_node_works_with_webassembly(box: BwrapSandbox, command: Make) -> None:
    """fetch() is WebAssembly in Node, which reserves gigabytes of address space that it never uses."""
    code = """
const http = require('http');
const server = http.createServer((_, answer) => answer.end('hi')).listen(8000, '127.0.0.1', async () => {
  console.log(await (await fetch('http://127.0.0.1:8000/')).text());
  server.close();
});
"""
    assert (await box.run(command("node", "-e", code))).output == "hi\n"


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


@pytest.mark.attack("C30")
async def test_one_process_cannot_take_all_memory(command: Make) -> None:
    sandbox = BwrapSandbox(Limits(memory_mb=256))
    result = await sandbox.run(command(code="room = bytearray(2 << 30)", timeout_s=15))
    assert "MemoryError" in result.output


@pytest.mark.attack("C29")
async def test_a_fork_bomb_is_bounded_and_leaves_nothing(command: Make, tmp_path: Path) -> None:
    sandbox = BwrapSandbox(Limits(processes=100))
    bomb = f"import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.05)\n# {tmp_path}"
    result = await sandbox.run(command(code=bomb, timeout_s=1.0))
    assert_safe_failure(result, code={"timeout", "processes"})
    assert result.seconds < 2.5
    assert running(tmp_path) == []
    assert (await sandbox.run(command("echo", "well"))).output == "well\n"


@pytest.mark.attack("C29")
async def test_a_fork_bomb_is_ended_where_nothing_else_counts_processes(command: Make) -> None:
    sandbox = BwrapSandbox(Limits(processes=100), control_groups=False)
    code = "import os, time\nfor _ in range(150):\n    if not os.fork(): time.sleep(30)\ntime.sleep(30)"
    result = await sandbox.run(command(code=code, timeout_s=15))
    assert result.limit == "processes" if os.geteuid() == 0 else "BlockingIOError" in result.output
    assert result.seconds < 5


def running(mark: Path) -> list[str]:
    """Pids of the processes that have ``mark`` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(mark) in (entry / "cmdline").read_text():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.attack("C31")
async def test_disks_are_not_filled(workspace: Path, command: Make) -> None:
    sandbox = BwrapSandbox(Limits(workspace_mb=20, tmp_mb=4, file_mb=16))
    one = await sandbox.run(command("sh", "-c", "head -c 100M /dev/zero > big; ls -s big"))
    assert (workspace / "big").stat().st_size <= 16 << 20
    assert one.exit_code == 0
    script = "n=0; while :; do head -c 4M /dev/zero > f$n; n=$((n+1)); sleep 0.02; done"
    many = await sandbox.run(command("sh", "-c", script, timeout_s=20))
    assert_safe_failure(many, code="disk")
    tmp = await sandbox.run(
        command("sh", "-c", "head -c 8M /dev/zero > /tmp/x; stat -c %s /tmp/x; df -k /dev/shm /home")
    )
    assert "No space left" in tmp.output
    assert int(tmp.output.splitlines()[1]) <= 4 << 20


async def test_somebody_else_filling_the_disk_is_not_held_against_it(
    workspace: Path, tmp_path: Path, command: Make
) -> None:
    sandbox = BwrapSandbox(Limits(workspace_mb=8))
    running = asyncio.create_task(sandbox.run(command("sleep", "0.9")))
    await asyncio.sleep(0.3)
    (tmp_path / "other").write_bytes(os.urandom(12 << 20))
    result = await running
    assert (result.exit_code, result.limit) == (0, None)


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
async def test_killing_smaker_leaves_no_survivor(workspace: Path, groups: bool) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(workspace), str(groups))
    assert await process.wait() == -9
    for _ in range(100):
        if not running(workspace):
            return
        await asyncio.sleep(0.02)
    assert running(workspace) == []


async def test_mounts_of_single_files_and_read_only_ones(box: BwrapSandbox, tmp_path: Path, command: Make) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho tool\n")
    (tmp_path / "tool").chmod(0o755)
    mounts = (Mount(host=tmp_path / "tool", inside="/run/tools/tool"),)
    result = await box.run(command("sh", "-c", "/run/tools/tool; echo x >> /run/tools/tool", mounts=mounts))
    assert result.output.startswith("tool\n")
    assert "Read-only" in result.output


async def test_a_box_that_cannot_be_set_up_is_not_a_failed_command(
    box: BwrapSandbox, tmp_path: Path, command: Make
) -> None:
    mounts = (Mount(host=tmp_path / "missing", inside="/env"),)
    with pytest.raises(SandboxUnavailable, match="missing"):
        await box.run(command("true", mounts=mounts))
    process = await box.start(command("true", mounts=mounts))
    with pytest.raises(SandboxUnavailable, match="missing"):
        await process.wait_for_text("ready", timeout_s=5)


async def test_a_machine_out_of_descriptors_is_told(box: BwrapSandbox, command: Make) -> None:
    await box.probe()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    held = [os.open(os.devnull, os.O_RDONLY)]
    while held[-1] < used:  # so that no lower number is free
        held.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[-1] + 3, hard))
    try:
        with pytest.raises(SandboxUnavailable, match="Too many open files"):
            await box.run(command("true"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)
    assert (await box.run(command("true"))).exit_code == 0


@pytest.mark.parametrize(("profile", "reserved"), [("run", False), ("browser", True)])
async def test_only_a_browser_may_reserve_a_terabyte(
    box: BwrapSandbox, command: Make, profile: str, reserved: bool
) -> None:
    code = "import mmap; mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=0)"
    result = await box.run(command(code=code, profile=profile))
    assert (result.exit_code == 0) is reserved, result.output
