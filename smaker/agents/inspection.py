"""Look at what shows that requirements hold: tests that proved one, do they still assert what they asserted then? And
the paths through the pages that are kept."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from smaker.agents.evidence import compare_proofs, files_beside, is_test_file, read_tests
from smaker.agents.web.paths import PATHS_FILE, read_paths
from smaker.core.models import Proof, TestSource
from smaker.core.profile import Profile


async def inspect_proofs(proofs: Sequence[Proof], read: Callable[[str], Awaitable[bytes | None]]) -> dict[str, str]:
    """Return test id -> why it no longer proves what it proved; nothing for tests that do.

    ``read`` returns a file as it is now, None if there is none.
    """
    now: list[TestSource] = []
    unreadable: dict[str, str] = {}
    for path in sorted({proof.source.id.partition("::")[0] for proof in proofs}):
        content = await read(path)
        if content is None:
            continue
        try:
            dialect, text = "pytest" if path.endswith(".py") else "node", content.decode()
            now += read_tests(dialect, path, text, await files_beside(dialect, path, text, read))
        except ValueError as error:
            unreadable[path] = f"the file cannot be read: {error}"
    broken = compare_proofs([proof.source for proof in proofs], now)
    for proof in proofs:
        path = proof.source.id.partition("::")[0]
        if path in unreadable:
            broken[proof.source.id] = unreadable[path]
    return broken


async def requirements_by_path(read: Callable[[str], Awaitable[bytes | None]]) -> dict[str, tuple[str, ...]]:
    """Return the paths that are kept, and the requirements that each shows; none where their file cannot be read."""
    try:
        return {path.name: path.requirements for path in read_paths(await read(PATHS_FILE) or b"")}
    except ValueError:
        return {}


class Files(Protocol):
    """Files to read: those of a task, or of a clone."""

    async def files(self) -> list[str]:
        """The paths of all."""
        ...

    async def read(self, path: str) -> bytes:
        """One. Raises NotFound, PathError."""
        ...


async def test_sources(there: Files, profile: Profile) -> list[TestSource]:
    """All tests of the project as their source says, whether or not they name a requirement. Files that do not parse
    have none: running them says what is wrong."""
    found: list[TestSource] = []
    for path in await there.files():
        if is_test_file(profile.dialect, path):
            content = await there.read(path)
            with contextlib.suppress(ValueError):
                found += read_tests(profile.dialect, path, content.decode())
    return found
