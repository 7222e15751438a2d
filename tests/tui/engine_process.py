"""An engine behind a Unix socket, to be killed: ``python engine_process.py HOME SOCKET EVENTS``.

A request is a line of JSON; the answer is a line, of events a line each. It builds what there is to build, until so
many events have happened.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from smaker.config import load_settings
from smaker.core.events import Delta
from smaker.wiring import Local, open_local


async def drive(local: Local, events: int) -> None:
    for project in await local.control.projects():
        driving = asyncio.ensure_future(local.worker.drive(project.id))
        async for message in local.control.events(project.id, follow=True):
            if not isinstance(message, Delta) and message.seq >= events:
                driving.cancel()
        with suppress(asyncio.CancelledError):
            await driving


async def main(home: Path, socket: Path, *, events: int) -> None:
    settings = load_settings(user_file=home / "none.yaml", environ=os.environ).settings
    async with open_local(home, settings) as local:
        control = local.control

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = json.loads(await reader.readline())
            match asked["call"]:
                case "projects":
                    answer = [project.model_dump(mode="json") for project in await control.projects()]
                    writer.write(json.dumps(answer).encode() + b"\n")
                case "snapshot":
                    writer.write((await control.snapshot(asked["project"])).model_dump_json().encode() + b"\n")
                case "trace":
                    writer.write((await control.trace(asked["project"])).model_dump_json().encode() + b"\n")
                case "contents":
                    found = await control.contents(asked["project"], asked["path"])
                    writer.write(found.model_dump_json().encode() + b"\n")
                case "events":
                    follow, after = asked["follow"], asked["after"]
                    async for message in control.events(asked["project"], after=after, follow=follow):
                        kind = "delta" if isinstance(message, Delta) else "event"
                        writer.write(f"{kind} {message.model_dump_json()}\n".encode())
                        await writer.drain()
            await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(serve, socket, limit=1 << 24)
        async with server:
            print("ready", flush=True)  # noqa: T201
            await drive(local, events)
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), events=int(sys.argv[3])))
