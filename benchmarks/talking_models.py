"""A model server that talks at a steady rate, as a program of its own: ``python -m benchmarks.talking_models RATE``.

The rate is tokens a second. It prints its address. What it says has no end worth waiting for: a build stays where it
listens. With a rate of 0 it says 100,000 lines in about ten seconds.
"""

from __future__ import annotations

import asyncio
import sys

from smaker.testing import Say, ScriptedModelServer

TOKEN = 4  # characters
LINES = 100_000
MINUTES = 5


async def talk(rate: int) -> None:
    """Serve until killed."""
    if rate:
        words = "the quick brown fox jumps over a lazy dog and then goes home to sleep\n"
        said = Say(words * (rate * TOKEN * 60 * MINUTES // len(words)), piece=TOKEN, pause_s=1 / rate)
    else:
        text = "".join(f"line {number} of a hundred thousand lines\n" for number in range(LINES))
        said = Say(text, piece=4096, pause_s=10 * 4096 / len(text))
    async with ScriptedModelServer(lambda _: said) as server:
        print(server.url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(talk(int(sys.argv[1])))
