"""Live output between the processes of a home: heard by the others, by nobody twice, and never waited for."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.bus import Bus
from smaker.core.events import Delta
from smaker.store.live import FRAME_CHARACTERS, FRAME_S, share_live


def said(text: str, project: str = "p1") -> Delta:
    return Delta(project=project, task="t1", stream="output", text=text)


async def heard(bus: Bus, enough: Callable[[str], bool], *, seconds: float = 5.0) -> str:
    """What a listener of ``p1`` hears until it is enough, or the time is over."""
    text = ""
    with bus.subscribe("p1") as listener:
        try:
            async with asyncio.timeout(seconds):
                while not enough(text):
                    message = await listener.next(1.0)
                    text += message.text if isinstance(message, Delta) else ""
        except TimeoutError:
            pass
    return text


async def test_what_is_printed_in_one_is_heard_in_the_others_and_comes_back_to_nobody(tmp_path: Path) -> None:
    speaker, near, far = Bus(), Bus(), Bus()
    with share_live(speaker, tmp_path), share_live(near, tmp_path), share_live(far, tmp_path):
        listening = [asyncio.create_task(heard(bus, lambda text: "!" in text)) for bus in (near, far)]
        own = asyncio.create_task(heard(speaker, lambda text: "??" in text, seconds=1.0))
        await asyncio.sleep(0)
        speaker.publish([said("a "), said("not for p1", "p2"), said("b!")])
        assert await asyncio.gather(*listening) == ["a b!", "a b!"]
        assert await own == "a b!", "what others heard is not sent on"
    assert [*(tmp_path / "live").iterdir()] == []


async def test_a_process_of_its_own_is_heard(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from smaker.core.bus import Bus\n"
        "from smaker.core.events import Delta\n"
        "from smaker.store.live import share_live\n"
        "async def main():\n"
        "    bus = Bus()\n"
        "    with share_live(bus, pathlib.Path(sys.argv[1])):\n"
        "        bus.publish([Delta(project='p1', task='t1', stream='model', text='from afar')])\n"
        "asyncio.run(main())\n"
    )
    bus = Bus()
    with share_live(bus, tmp_path):
        listening = asyncio.create_task(heard(bus, lambda text: "afar" in text, seconds=30))
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, str(tmp_path)], check=True, timeout=30)
        assert await listening == "from afar", "also what it said last, before it ended"


async def test_sockets_of_killed_processes_are_swept_and_a_deep_home_is_no_hindrance(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 40) / ("deeper" * 30)
    home.mkdir(parents=True)
    speaker, listener = Bus(), Bus()
    with share_live(speaker, home), share_live(listener, home):
        listening = asyncio.create_task(heard(listener, lambda text: text == "x"))
        await asyncio.sleep(0)
        folder = os.open(home / "live", os.O_RDONLY)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
            left.bind(f"/proc/self/fd/{folder}/1-dead")
        os.close(folder)
        speaker.publish([said("x")])
        assert await listening == "x"
        assert not (home / "live" / "1-dead").exists()


async def test_of_a_flood_the_newest_is_heard_and_nobody_waits(tmp_path: Path) -> None:
    speaker, listener = Bus(), Bus()
    with (
        share_live(speaker, tmp_path),
        share_live(listener, tmp_path),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf,
    ):
        (tmp_path / "live").mkdir(mode=0o700)
        deaf.bind(str(tmp_path / "live" / "2-deaf"))  # alive, and takes nothing
        for number in range(5):
            listening = asyncio.create_task(heard(listener, lambda text: text.endswith("end")))
            await asyncio.sleep(0)
            speaker.publish([said("\x00" * 1000) for _ in range(1000)])
            speaker.publish([said(f"{number}: the end")])
            text = await listening
            assert text.endswith(f"{number}: the end")
            assert len(text) <= FRAME_CHARACTERS


async def test_who_is_busy_for_a_while_hears_it_all_afterwards(tmp_path: Path) -> None:
    speaker = Bus()
    with share_live(speaker, tmp_path), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as busy:
        (tmp_path / "live").mkdir(mode=0o700)
        busy.bind(str(tmp_path / "live" / "2-busy"))
        busy.setblocking(False)
        expected = ""
        for number in range(30):  # more frames than a socket keeps
            speaker.publish([said(f"{number} "), said(f"{number} ", "p2")])
            expected += f"{number} "
            await asyncio.sleep(FRAME_S * 1.2)
        texts = {"p1": "", "p2": ""}
        async with asyncio.timeout(10):
            while texts != {"p1": expected, "p2": expected}:
                try:
                    delta = Delta.model_validate_json(busy.recv(1 << 20))
                except BlockingIOError:
                    await asyncio.sleep(FRAME_S)
                else:
                    texts[delta.project] += delta.text


async def test_who_ends_waits_for_no_listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        (tmp_path / "live").mkdir(mode=0o700)
        deaf.bind(str(tmp_path / "live" / "2-deaf"))
        speaker, frames = Bus(), list[object]()
        with share_live(speaker, tmp_path):
            for number in range(20):
                speaker.publish([said("x" * FRAME_CHARACTERS, f"p{number}")])
        monkeypatch.setattr(os, "scandir", frames.append)
        await asyncio.sleep(3 * FRAME_S)
        assert frames == [], "what is closed is not used any more"


async def test_what_is_no_message_is_not_heard(tmp_path: Path) -> None:
    bus = Bus()
    with share_live(bus, tmp_path):
        listening = asyncio.create_task(heard(bus, lambda text: text == "right"))
        await asyncio.sleep(0)
        (own,) = (tmp_path / "live").iterdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for data in (b"", b"{}", b"\xff" * 1000, b'{"project": 1}', said("right").model_dump_json().encode()):
                stranger.sendto(data, str(own))
        assert await listening == "right"


async def test_only_its_user_may_enter(tmp_path: Path) -> None:
    bus = Bus()
    with share_live(bus, tmp_path):
        assert not (tmp_path / "live").exists(), "nobody listens yet"
        bus.publish([said("x")])
        assert (tmp_path / "live").stat().st_mode & 0o777 == 0o700


async def test_where_no_socket_can_be_made_everything_else_goes_on(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("a file is in the way")
    bus = Bus()
    with share_live(bus, tmp_path), bus.subscribe("p1") as listener:
        bus.publish([said("here")])
        assert isinstance(message := await listener.next(1.0), Delta)
        assert message.text == "here"


@pytest.mark.parametrize("count", [1, 3])
async def test_a_tap_hears_what_is_published_and_not_what_is_delivered(count: int) -> None:
    bus, tapped = Bus(), list[str]()
    with bus.tap(lambda message: tapped.append(message.text if isinstance(message, Delta) else "")):
        bus.publish(said(f"{number}") for number in range(count))
        bus.deliver([said("from elsewhere")])
    bus.publish([said("after")])
    assert tapped == [f"{number}" for number in range(count)]
