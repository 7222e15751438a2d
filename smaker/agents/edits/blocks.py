"""What an answer is made of: file blocks, the prose around them, and what is wrong with what was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file with its content from first to last character."""

    path: str
    content: str
    line: int = 0
    """Where the block begins in the answer, from 1; 0 where it was not read from one. Also for the other blocks."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Lines as they are and as they are to be: whole lines, each with its newline; "" is no line at all."""

    search: str
    replace: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes to a file that exists. Every pair speaks of the file as it was before the first of them."""

    path: str
    pairs: tuple[Pair, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Deletion:
    """A file that is to go."""

    path: str
    line: int = 0


Block = WholeFile | Edits | Deletion


@dataclass(frozen=True, slots=True)
class Fault:
    """What was written wrongly. The message stands alone and is for the model: what is wrong, how it is right."""

    path: str | None
    line: int
    message: str

    def __post_init__(self) -> None:
        """What is quoted of an answer or a file may not be text: it is made so, for the message is stored and sent."""
        object.__setattr__(self, "message", self.message.encode(errors="replace").decode().replace("\0", "?"))


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer, read: one block per path, none of them in doubt; what was in doubt is among the faults."""

    blocks: tuple[Block, ...]
    prose: str
    faults: tuple[Fault, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the blocks, in order: what has to be read before changes are planned."""
        return tuple(block.path for block in self.blocks)
