"""Read an answer: prose and file blocks apart, and nothing that can be read in two ways taken for either.

Where a block ends: at the first line ``</file>`` that no opening line within it asks for. A block whose content holds
such lines names a word (``end="WORD"``) and ends at ``</file end="WORD">`` alone; its content is then verbatim, a fence
around it too. What is left in doubt (a tag not closed, a closing line too many, a block within a block) is a fault.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import count, islice

from smaker.agents.edits.blocks import Answer, Block, Deletion, Edits, Fault, WholeFile
from smaker.agents.edits.fences import begins_with_fence, may_hold_fences, unfenced
from smaker.agents.edits.pairs import OPENING, Unreadable, parse_pairs
from smaker.agents.edits.paths import CONTROL, clean_path, path_problem
from smaker.agents.edits.tags import Form, Tag, tags_of

MAX_TAGS = 1_000
THINKING = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
EMPTY_FENCE = re.compile(r"^(`{3,}+|~{3,}+)[^`\n]*\n\s*\1[ \t]*$\n?", re.MULTILINE)
NEWLINE = re.compile("\n")


def parse_answer(text: str, *, complete: bool = True) -> Answer:
    """Return the blocks, prose and faults of an answer. ``complete`` is False where it was cut off before its end.

    Never raises: what cannot be read is among the faults, and a block in doubt is not among the blocks. Thoughts of a
    model that thinks aloud (``<think>``) are neither.
    """
    start = 0
    if thinking := THINKING.match(text):
        thought = THOUGHT.search(text, thinking.end())
        if thought is None:
            message = "Your answer ended before your thoughts did. Think less, and write the answer itself."
            return Answer((), "", (Fault(None, 1, message),))
        start = thought.end()
    return _Reader(text, start, complete).read()


class _Reader:
    """One pass over the tags of an answer."""

    def __init__(self, text: str, start: int, complete: bool) -> None:
        self._text = text
        self._complete = complete
        self._tags = list(islice(tags_of(text, start), MAX_TAGS + 1))
        self._newlines = [match.start() for match in NEWLINE.finditer(text)]
        self._prose_from = start
        self._prose: list[str] = []
        self._blocks: list[Block] = []
        self._faults: list[Fault] = []

    def read(self) -> Answer:
        if len(self._tags) > MAX_TAGS:
            message = f"Your answer has more than {MAX_TAGS} lines with tags. Nothing was applied. Write fewer files."
            return Answer((), "", (Fault(None, 1, message),))
        at = 0
        doubted = ""
        while at < len(self._tags):
            tag = self._tags[at]
            before = doubted
            doubted = ""
            if tag.kind == "think":
                self._forget(tag)
                at += 1
            elif tag.form is Form.CLOSES:
                self._stray(tag)
                at += 1
            elif tag.form is Form.FOREIGN:
                at += 1
            elif tag.kind == "delete" or tag.form in {Form.EMPTY, Form.INLINE}:
                self._single(tag, before)
                at += 1
            elif tag.form is Form.OPENS or self._end(at)[0] is not None or not self._complete:
                at, doubted = self._block(at, before)
            else:
                at += 1
        self._prose.append(self._text[self._prose_from :])
        prose = EMPTY_FENCE.sub("", "".join(self._prose)).strip()
        self._look_for_bare_pairs(prose)
        blocks, clashes = _one_per_path(self._blocks)
        return Answer(blocks, prose, tuple(sorted([*self._faults, *clashes], key=lambda fault: fault.line)))

    def _line(self, offset: int) -> int:
        return bisect_left(self._newlines, offset) + 1

    def _fault(self, tag: Tag, message: str) -> None:
        path = CONTROL.sub("?", clean_path(tag.path)[:200]) or None
        where = f"{path or f'<{tag.kind}>'}: line {self._line(tag.start)} of your answer: "
        self._faults.append(Fault(path, self._line(tag.start), where + message))

    def _forget(self, tag: Tag) -> None:
        """What came before a lone ``</think>`` was thought, not said."""
        self._blocks, self._faults, self._prose = [], [], []
        self._prose_from = tag.end

    def _take(self, start: int, end: int) -> None:
        """Cut a block out of the prose."""
        self._prose.append(self._text[self._prose_from : start])
        self._prose_from = min(end + 1, len(self._text))

    def _stray(self, tag: Tag) -> None:
        last = self._blocks[-1] if self._blocks else None
        after_deletion = tag.kind == "delete" and isinstance(last, Deletion)
        if not after_deletion:
            self._fault(tag, f'this </{tag.kind}> closes nothing: no <{tag.kind} path="…"> is open.')
        self._take(tag.start, tag.end)

    def _single(self, tag: Tag, doubted: str) -> None:
        """A block of one line."""
        if tag.kind == "delete" and not tag.begins_block:
            self._fault(tag, 'a deletion is written as <delete path="old.py"/>. Nothing was deleted.')
        elif tag.form is Form.INLINE:
            self._fault(tag, self._nearly(tag))
        elif tag.kind == "edit":
            self._fault(tag, "the <edit> block holds no SEARCH/REPLACE pair.")
        elif self._path_is_good(tag) and not self._in_doubt(tag, doubted):
            path, line = clean_path(tag.path), self._line(tag.start)
            self._blocks.append(WholeFile(path, "", line) if tag.kind == "file" else Deletion(path, line))
        self._take(tag.start, tag.end)

    def _path_is_good(self, tag: Tag) -> bool:
        problem = path_problem(tag.path)
        if problem:
            self._fault(tag, f'path="{tag.path[:200]}" {problem} Nothing of this block was applied.')
        return not problem

    def _in_doubt(self, tag: Tag, doubted: str) -> bool:
        if doubted:
            self._fault(
                tag,
                f'this block follows "{doubted}", which was not closed, and may be part of it, so it was not applied '
                "either. Write both again, each closed on a line of its own.",
            )
        return bool(doubted)

    def _block(self, at: int, doubted: str) -> tuple[int, str]:
        """Read the block that opens here: the next tag to look at, and the path of a block left open before it."""
        tag = self._tags[at]
        end, within = self._end(at)
        if end is None:
            return self._unclosed(at, within)
        last = self._strays(end, tag)
        closing = self._tags[end]
        if tag.form is Form.NEARLY:
            self._fault(tag, self._nearly(tag))
        elif not self._path_is_good(tag) or self._in_doubt(tag, doubted):
            pass
        elif within:
            inner = self._line(self._tags[within[0]].start)
            self._fault(tag, f"its content holds a line that opens a block (line {inner}). {self._with_word(tag)}")
        elif last != end:
            again = self._line(self._tags[last].start)
            self._fault(
                tag, f"it is closed twice (again in line {again}): where it ends is not clear. {self._with_word(tag)}"
            )
        else:
            self._content(tag, closing)
        self._take(tag.start, self._tags[last].end)
        return last + 1, ""

    def _nearly(self, tag: Tag) -> str:
        if "path" not in tag.attributes:
            return f'the opening line names no path. Write <{tag.kind} path="src/app.py"> on a line of its own.'
        return (
            f'the opening line goes on after its ">". Write <{tag.kind} path="{clean_path(tag.path)}"> on a line of '
            f"its own, the content below it, and </{tag.kind}> on a line of its own. Nothing of it was applied."
        )

    def _end(self, at: int) -> tuple[int | None, list[int]]:
        """The tag that closes the block which opens here, None if there is none, and the blocks that open within."""
        opening = self._tags[at]
        depth, skip_to, within = 1, "", list[int]()
        for index in range(at + 1, len(self._tags)):
            tag = self._tags[index]
            if opening.token:
                if tag.form is Form.CLOSES and tag.kind == opening.kind and tag.token == opening.token:
                    return index, []
                continue
            if skip_to:
                skip_to = "" if tag.form is Form.CLOSES and tag.token == skip_to else skip_to
                continue
            if tag.begins_block:
                within.append(index)
                skip_to = tag.token if tag.form is Form.OPENS else ""
            if tag.kind != opening.kind or tag.token:
                continue
            if tag.form in {Form.OPENS, Form.FOREIGN, Form.NEARLY}:
                depth += 1
            elif tag.form is Form.CLOSES:
                depth -= 1
                if not depth:
                    return index, within
        return None, within

    def _strays(self, end: int, opening: Tag) -> int:
        """The last line that would close the block as well, before another begins."""
        last = end
        for index in range(end + 1, len(self._tags)):
            tag = self._tags[index]
            if tag.begins_block or tag.kind == "think":
                break
            if tag.form is Form.CLOSES and tag.kind == opening.kind and tag.token == opening.token:
                last = index
        return last

    def _unclosed(self, at: int, within: list[int]) -> tuple[int, str]:
        tag = self._tags[at]
        closing = f'</{tag.kind} end="{tag.token}">' if tag.token else f"</{tag.kind}>"
        goes_on = self._complete and within and not tag.token
        how = (
            f"no line {closing} closes the block, so that it may be cut off"
            if self._complete
            else f"the block is cut off: your answer ended before {closing}"
        )
        again = "Write the whole block again and close it on a line of its own, not indented."
        self._fault(tag, f"{how}. Nothing of it was applied. {again}")
        if goes_on:
            self._take(tag.start, self._tags[within[0]].start - 1)
            return within[0], clean_path(tag.path) or "…"
        self._take(tag.start, len(self._text))
        return len(self._tags), ""

    def _content(self, tag: Tag, closing: Tag) -> None:
        body = self._text[tag.end + 1 : closing.start]
        if self._text[tag.end - 1] == "\r":
            body = body.replace("\r\n", "\n")
        path, line = clean_path(tag.path), self._line(tag.start)
        if tag.kind == "edit":
            try:
                self._blocks.append(Edits(path, parse_pairs(body, path=path, line=line + 1), line))
            except Unreadable as unreadable:
                self._faults.append(unreadable.fault)
            return
        if tag.attributes.get("final-newline") == "no":
            body = body.removesuffix("\n")
        if not tag.token and begins_with_fence(body):
            document = may_hold_fences(path)
            inner = unfenced(body, document=document)
            if inner is None and not document:
                self._fault(
                    tag,
                    "the content begins with a code fence that does not end with it. Nothing of it was applied. Write "
                    "the content alone, without a fence and without remarks.",
                )
                return
            body = body if inner is None else inner
        self._blocks.append(WholeFile(path, body, line))

    def _with_word(self, tag: Tag) -> str:
        """How to write a block whose content has lines with tags: with a word that the answer does not hold."""
        word = next(f"EOF{number}" for number in count(1) if f"EOF{number}" not in self._text)
        return (
            f'Nothing of it was applied. If that line is content, open with <{tag.kind} path="{clean_path(tag.path)}" '
            f'end="{word}"> and close with </{tag.kind} end="{word}">.'
        )

    def _look_for_bare_pairs(self, prose: str) -> None:
        if any(match[2] for line in prose.split("\n") if (match := OPENING.match(line))):
            self._faults.append(
                Fault(
                    None,
                    self._line(len(self._text)),
                    "A SEARCH/REPLACE pair stands outside a block and was not applied: write it between "
                    '<edit path="…"> and </edit>.',
                )
            )


def _one_per_path(blocks: list[Block]) -> tuple[tuple[Block, ...], list[Fault]]:
    """The blocks with all edits of a file as one; where blocks of one path contradict each other, none of them."""
    kept: dict[str, Block] = {}
    clashing: dict[str, Fault] = {}
    for block in blocks:
        before = kept.setdefault(block.path, block)
        if before is block:
            continue
        if isinstance(before, Edits) and isinstance(block, Edits):
            kept[block.path] = Edits(block.path, before.pairs + block.pairs, before.line)
        elif not _same(before, block):
            message = (
                f"{block.path}: your answer says what becomes of this file twice, in lines {before.line} and "
                f"{block.line}, and not the same. Nothing of it was applied. Write one block per file."
            )
            clashing.setdefault(block.path, Fault(block.path, block.line, message))
    return tuple(block for path, block in kept.items() if path not in clashing), list(clashing.values())


def _same(one: Block, other: Block) -> bool:
    if isinstance(one, WholeFile) and isinstance(other, WholeFile):
        return one.content == other.content
    return isinstance(one, Deletion) and isinstance(other, Deletion)
