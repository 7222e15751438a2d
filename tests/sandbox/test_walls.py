"""What every strong sandbox holds, seen from inside and from outside: boxes of bubblewrap, and containers."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command, Mount
from smaker.sandbox.limits import Limits
from smaker.sandbox.local import LocalSandbox
from smaker.testing import Canaries, assert_safe_failure, fingerprint

Make = Callable[..., Command]
Running = Callable[[Path], list[str]]
CANARY = "canary-2718281828"


async def test_git_is_hidden_and_cannot_be_touched(walled: LocalSandbox, workspace: Path, command: Make) -> None:
    (workspace / ".git" / "hooks").mkdir(parents=True)
    (workspace / ".git" / "config").write_text(CANARY)
    script = "ls -A .git; cat .git/config; echo x > .git/y; rm -rf .git; mv .git z; mkdir -p .git/hooks; chmod 777 .git"
    result = await walled.run(command("sh", "-c", script))
    assert CANARY not in result.output
    assert (workspace / ".git" / "config").read_text() == CANARY
    assert sorted(path.name for path in (workspace / ".git").iterdir()) == ["config", "hooks"]
    assert not (workspace / "z").exists()


async def test_the_git_file_of_a_worktree_is_hidden(walled: LocalSandbox, workspace: Path, command: Make) -> None:
    (workspace / ".git").write_text(f"gitdir: /{CANARY}\n")
    result = await walled.run(command("sh", "-c", "cat .git; echo evil > .git; rm .git; mv .git z; true"))
    assert CANARY not in result.output
    assert (workspace / ".git").read_text() == f"gitdir: /{CANARY}\n"


async def test_our_own_folder_is_read_only(walled: LocalSandbox, workspace: Path, command: Make) -> None:
    (workspace / ".smaker").mkdir()
    (workspace / ".smaker" / "spec.yaml").write_text("name: mine\n")
    script = "cat .smaker/spec.yaml; echo x >> .smaker/spec.yaml; rm -rf .smaker; mv .smaker z; touch .smaker/new"
    result = await walled.run(command("sh", "-c", script))
    assert result.output.startswith("name: mine\n")
    assert (workspace / ".smaker" / "spec.yaml").read_text() == "name: mine\n"
    assert len(list((workspace / ".smaker").iterdir())) == 1


@pytest.mark.parametrize("name", [".git", ".smaker"])
async def test_links_in_their_place_are_not_followed(
    walled: LocalSandbox, workspace: Path, tmp_path: Path, command: Make, name: str
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text(CANARY)
    (workspace / name).symlink_to(tmp_path / "secrets")
    result = await walled.run(command("sh", "-c", f"cat {name}/key; ls -la {name}/"))
    assert result.exit_code != 0
    assert CANARY not in result.output


@pytest.mark.attack("C28")
async def test_removing_everything_removes_only_the_workspace(
    walled: LocalSandbox, workspace: Path, tmp_path: Path, command: Make, canaries: Canaries
) -> None:
    (workspace / "a" / "b").mkdir(parents=True)
    (workspace / ".smaker").mkdir()
    (workspace / ".smaker" / "spec.yaml").touch()
    (tmp_path / "beside").write_text("kept")
    around = fingerprint(tmp_path, allowed=[workspace])
    before = {path: path.stat().st_mtime_ns for path in (Path("/usr/bin"), Path("/etc"), Path(sys.base_prefix))}
    await walled.run(command("sh", "-c", "rm -rf ~ /home /tmp/* /work /etc /usr/bin /usr/sbin 2>/dev/null; true"))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert_safe_failure(None, unchanged=around, canaries=canaries, places=[tmp_path])
    assert [path.name for path in workspace.iterdir()] == [".smaker"]
    assert (workspace / ".smaker" / "spec.yaml").exists()


@pytest.mark.attack("C39")
async def test_nothing_of_the_kernels_can_be_written(walled: LocalSandbox, command: Make) -> None:
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
    result = await walled.run(command(code=code))
    assert result.exit_code == 0
    hidden = result.output.split()  # what is left is /dev/null there
    assert set(hidden) <= {"/proc/mtrr", "/proc/keys", "/proc/timer_list"}
    null = await walled.run(command("sh", "-c", 'for path; do test -c "$path" || exit 1; done', "sh", *hidden))
    assert null.exit_code == 0


@pytest.mark.attack("C26", "C38")
async def test_the_filter_closes_what_namespaces_leave_open(walled: LocalSandbox, command: Make) -> None:
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
    result = await walled.run(command(code=code))
    lines = result.output.split("\n")
    assert lines[:6] == ["97"] * 6
    assert lines[6:9] == ["-1 1"] * 3
    assert lines[9:11] == ["thread", "child"]


@pytest.mark.attack("C26")
async def test_names_are_not_resolved_without_a_network(walled: LocalSandbox, command: Make) -> None:
    code = "import socket\nprint(socket.gethostbyname('localhost'))\nsocket.gethostbyname('example.com')"
    result = await walled.run(command(code=code, timeout_s=10))
    assert result.output.startswith("127.0.0.1\n")
    assert "gaierror" in result.output
    assert result.limit is None


@pytest.mark.attack("C47")
async def test_two_programs_listen_on_one_port(walled: LocalSandbox, workspace: Path, command: Make) -> None:
    made = command("python3", "-m", "http.server", "--bind", "127.0.0.1", "8000", profile="web", port=8000)
    first, second = await asyncio.gather(walled.start(made), walled.start(made))
    try:
        await asyncio.gather(first.wait_for_port(timeout_s=20), second.wait_for_port(timeout_s=20))
        assert first.socket != second.socket
    finally:
        await asyncio.gather(first.stop(), second.stop())


async def test_a_program_that_listens_on_ipv6_is_reached(walled: LocalSandbox, command: Make) -> None:
    process = await walled.start(
        command("python3", "-m", "http.server", "--bind", "::1", "8000", profile="web", port=8000)
    )
    try:
        await process.wait_for_port(timeout_s=20)
    finally:
        await process.stop()


async def test_the_box_cannot_put_another_socket_in_place_of_its_own(walled: LocalSandbox, command: Make) -> None:
    code = "import os; print(os.path.exists('/run/smaker/web.sock'), os.listdir('/run/smaker'), flush=True); input()"
    process = await walled.start(command(code=code, profile="web", port=8000))
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
    walled: LocalSandbox, command: Make
) -> None:
    serving = ("python3", "-m", "http.server", "--bind", "127.0.0.1")
    given = await walled.start(command(*serving, "8000", profile="web", port=8000))
    kept = await walled.start(command(*serving, "8001", profile="web", port=8001))
    try:
        await asyncio.gather(given.wait_for_port(timeout_s=20), kept.wait_for_port(timeout_s=20))
        trying = ("python3", "-c", TRY, "8000", "8001")
        refused = ["ConnectionRefusedError"] * 2
        result = await walled.run(command(*trying))
        assert [line.partition(" ")[2] for line in result.output.splitlines()[1:3]] == refused
        result = await walled.run(command(*trying, reach={8000: given.socket}))
        lines = result.output.splitlines()
        assert lines[:3] == ["['8000.sock', 'relay.py']", "8000 HTTP/1.0 200", "8001 ConnectionRefusedError"]
        assert set(lines[3:]) == {"OSError"}, "what it was given stays where it is"
        await given.stop()
        gone = await walled.run(command(*trying, reach={8000: given.socket}))
        lines = gone.output.splitlines()
        assert lines[0] == "['relay.py']"
        assert lines[1] in {"8000 closed", "8000 ConnectionResetError"}
    finally:
        await asyncio.gather(given.stop(), kept.stop())


async def test_multiprocessing_and_sqlite_work(walled: LocalSandbox, workspace: Path, command: Make) -> None:
    code = """
import multiprocessing, sqlite3
with multiprocessing.Pool(2) as pool:
    print(sum(pool.map(abs, range(-5, 5))))
with sqlite3.connect('data.db') as db:
    db.execute('pragma journal_mode=wal'); db.execute('create table t(x)'); db.execute('insert into t values(1)')
    print(db.execute('select * from t').fetchall())
"""
    assert (await walled.run(command(code=code))).output == "25\n[(1,)]\n"
    assert (workspace / "data.db").exists()


async def test_node_works_with_webassembly(walled: LocalSandbox, command: Make) -> None:
    """fetch() is WebAssembly in Node, which reserves gigabytes of address space that it never uses."""
    code = """
const http = require('http');
const server = http.createServer((_, answer) => answer.end('hi')).listen(8000, '127.0.0.1', async () => {
  console.log(await (await fetch('http://127.0.0.1:8000/')).text());
  server.close();
});
"""
    assert (await walled.run(command("node", "-e", code))).output == "hi\n"


@pytest.mark.attack("C30")
async def test_one_process_cannot_take_all_memory(strong: type[LocalSandbox], command: Make) -> None:
    sandbox = strong(Limits(memory_mb=256))
    result = await sandbox.run(command(code="room = bytearray(2 << 30)", timeout_s=15))
    assert "MemoryError" in result.output


@pytest.mark.attack("C29")
async def test_a_fork_bomb_is_bounded_and_leaves_nothing(
    strong: type[LocalSandbox], command: Make, tmp_path: Path, running: Running
) -> None:
    sandbox = strong(Limits(processes=100))
    bomb = f"import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.05)\n# {tmp_path}"
    result = await sandbox.run(command(code=bomb, timeout_s=1.0))
    assert_safe_failure(result, code={"timeout", "processes"})
    assert result.seconds < 2.5
    assert running(tmp_path) == []
    assert (await sandbox.run(command("echo", "well"))).output == "well\n"


@pytest.mark.attack("C31")
async def test_disks_are_not_filled(strong: type[LocalSandbox], workspace: Path, command: Make) -> None:
    sandbox = strong(Limits(workspace_mb=20, tmp_mb=4, file_mb=16))
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
    strong: type[LocalSandbox], workspace: Path, tmp_path: Path, command: Make
) -> None:
    sandbox = strong(Limits(workspace_mb=8))
    running = asyncio.create_task(sandbox.run(command("sleep", "0.9")))
    await asyncio.sleep(0.3)
    (tmp_path / "other").write_bytes(os.urandom(12 << 20))
    result = await running
    assert (result.exit_code, result.limit) == (0, None)


async def test_mounts_of_single_files_and_read_only_ones(walled: LocalSandbox, tmp_path: Path, command: Make) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho tool\n")
    (tmp_path / "tool").chmod(0o755)
    mounts = (Mount(host=tmp_path / "tool", inside="/run/tools/tool"),)
    result = await walled.run(command("sh", "-c", "/run/tools/tool; echo x >> /run/tools/tool", mounts=mounts))
    assert result.output.startswith("tool\n")
    assert "Read-only" in result.output


async def test_a_machine_out_of_descriptors_is_told(walled: LocalSandbox, command: Make) -> None:
    await walled.probe()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    held = [os.open(os.devnull, os.O_RDONLY)]
    while held[-1] < used:  # so that no lower number is free
        held.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[-1] + 3, hard))
    try:
        with pytest.raises(SandboxUnavailable, match="Too many open files"):
            await walled.run(command("true"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)
    assert (await walled.run(command("true"))).exit_code == 0
