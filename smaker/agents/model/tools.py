"""What a model may do besides writing files: look at them, run programs in the sandbox, ask its user."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field, ValidationError

from smaker.agents.codemap import grep, rank_by_meaning, render_grep, render_hits, search
from smaker.agents.model.arguments import Arguments, Tools, described
from smaker.agents.model.listing import listed
from smaker.agents.model.processes import Processes
from smaker.agents.model.showing import MAPS
from smaker.core.context import Context
from smaker.core.errors import NotFound, PathError, UsageError
from smaker.core.models import Gate
from smaker.core.ports import Tool, ToolCall

MAX_RESULT = 12_000  # characters of a result that a model is shown: the head and the tail of more
MAX_CALLS = 16  # of one answer


class ListFiles(Arguments):
    """List the project's files with their sizes in bytes; a folder of many is one line."""

    folder: Annotated[str, Field(max_length=500, description="only what is in it")] = ""


class ReadFile(Arguments):
    """Read a file of the project, or some of its lines."""

    path: str
    first: Annotated[int, Field(ge=1, description="the first line")] = 1
    last: Annotated[int | None, Field(ge=1, description="the last line; all to the end without it")] = None


class SearchFiles(Arguments):
    """Find the lines of all files that hold a text; where none does, the places that its words lead to, best first."""

    text: Annotated[str, Field(min_length=1, max_length=200, description="no pattern; capitals do not matter")]


class RunCommand(Arguments):
    """Run a command (bash) in the project's folder, without network and without git, for a minute at most; you see the
    head and the tail of its output, 12,000 characters. Files it writes in the project are kept, those in /tmp are not.
    """

    command: Annotated[str, Field(min_length=1, max_length=4000, description="as in a shell: pipes and && work")]


class AskUser(Arguments):
    """Ask the user what only they can say. In most builds nobody is there: what you would take holds at once."""

    question: Annotated[str, Field(min_length=3, max_length=500)]
    default: Annotated[str, Field(min_length=1, max_length=500, description="what you would take")]


class Toolbox:
    """The tools of one task."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._processes = Processes(context)
        self._tools: Tools = {
            "list_files": (ListFiles, self._list),
            "read_file": (ReadFile, self._read),
            "search_files": (SearchFiles, self._search),
            "run_command": (RunCommand, self._run),
            **self._processes.tools,
            "ask_user": (AskUser, self._ask),
        }

    def described(self) -> tuple[Tool, ...]:
        """The tools as a model is told of them."""
        return described(self._tools)

    async def end(self) -> None:
        """Stop the programs that were started."""
        await self._processes.end()

    async def use(self, calls: Sequence[ToolCall]) -> list[tuple[str, str]]:
        """Carry out calls in order; return (call id, what it gave or why it could not be done) for each."""
        results: list[tuple[str, str]] = []
        for number, call in enumerate(calls):
            if number >= MAX_CALLS:
                results.append((call.id, f"Not done: at most {MAX_CALLS} calls in one answer."))
            else:
                results.append((call.id, clipped(await self._one(call))))
        return results

    async def _one(self, call: ToolCall) -> str:
        if call.name not in self._tools:
            return f"There is no tool {call.name!r}. There are: {', '.join(self._tools)}"
        shape, do = self._tools[call.name]
        try:
            arguments = shape.model_validate(json.loads(call.arguments or "{}", strict=False))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors()[:5])
            return f"The arguments of {call.name} are wrong: {wrong}"
        except (ValueError, RecursionError) as error:
            return f"The arguments of {call.name} are not JSON: {error}"
        try:
            return await do(arguments)
        except (NotFound, PathError, UsageError) as error:
            return f"{error.message} {error.hint}".strip()

    async def _list(self, given: ListFiles) -> str:
        folder = "/".join(part for part in given.folder.split("/") if part not in {"", "."})
        context = self._context
        async with MAPS.borrow(context.project.id, context, changes=context.changes) as index:
            files = index.files.values()
            sizes = {file.path: file.size or None for file in files if not file.path.startswith(".smaker/")}
        return listed(sizes, folder) or f"There is no file in {folder or 'the project'!r}."

    async def _read(self, given: ReadFile) -> str:
        lines = (await self._context.text(given.path)).splitlines()
        last = min(given.last or len(lines), len(lines))
        shown = "\n".join(lines[given.first - 1 : last])
        return f"{given.path}, lines {given.first} to {last} of {len(lines)}:\n{shown}"

    async def _search(self, given: SearchFiles) -> str:
        context = self._context
        async with MAPS.borrow(context.project.id, context, changes=context.changes) as index:
            exact = await asyncio.to_thread(grep, index, given.text, regex=False, ignore_case=True)
            if exact.matches:
                return render_grep(exact)
            similar = await context.similar(given.text, partial(rank_by_meaning, index, given.text))
            hits = await asyncio.to_thread(search, index, given.text, similar=similar)
        return render_hits(hits)

    async def _run(self, given: RunCommand) -> str:
        ran = await self._context.run(("bash", "-c", given.command), title=given.command[:120], timeout_s=60)
        ended = f"stopped: {ran.limit}" if ran.limit else f"exit code {ran.exit_code}"
        return f"{ran.output.rstrip()}\n({ended})"

    async def _ask(self, given: AskUser) -> str:
        question, default = (" ".join(text.split()) for text in (given.question, given.default))
        answer = await self._context.ask(question, default=default)
        if Gate.QUESTIONS in self._context.project.gates:
            return f"The user says: {answer}"
        return f"Nobody is there to ask. Go on with what you would take, it is told to the user: {answer}"


def clipped(text: str, limit: int = MAX_RESULT) -> str:
    """Head and tail of a text that is too long."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]}\n… {len(text) - limit:,} characters left out …\n{text[head - limit :]}"
