"""Bring a prompt into one plain form, or say why it cannot be read at all."""

from __future__ import annotations

import re
import unicodedata

from smaker.agents.offline.reader.language.words import word_set
from smaker.core.errors import Refused, UsageError

MAX_CHARACTERS = 20_000

_REPLACEMENTS = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2013": "-",
    "\u2014": " - ",
    "\u2212": "-",
    "\u2026": ", ",
    "\u2022": "\u2022",
    "\u00a0": " ",
    "\u2192": "->",
    "\u2264": "<=",
    "\u2265": ">=",
    "\t": "    ",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
    "`": " ",
    '"': " ",
}
_ABBREVIATIONS = (
    (re.compile(r"\be\.\s?g\.", re.IGNORECASE), "eg"),
    (re.compile(r"\bi\.\s?e\.", re.IGNORECASE), "ie"),
    (re.compile(r"\betc\.(?=\s*[a-z,;)])", re.IGNORECASE), "etc"),
    (re.compile(r"\bmax\.(?=\s)", re.IGNORECASE), "max"),
    (re.compile(r"\bmin\.(?=\s)", re.IGNORECASE), "min"),
    (re.compile(r"\b(approx|incl|vs)\.(?=\s)", re.IGNORECASE), r"\1"),
    (re.compile(r"\bw/\s?o\b", re.IGNORECASE), "without"),
    (re.compile(r"\bw/"), "with "),
    (re.compile(r"\band/or\b", re.IGNORECASE), "and"),
    (re.compile(r"\bsign-(?=(?:up|in|on|out)\b)", re.IGNORECASE), "sign "),
    (re.compile(r"\blog-(?=(?:in|out|on|off)\b)", re.IGNORECASE), "log "),
    (re.compile(r"\b(node|vue|next|express)\.js\b", re.IGNORECASE), r"\1js"),
    (re.compile(r"\bnon-(?=[a-z])", re.IGNORECASE), "non "),
    (re.compile(r"\b(\d+)-(?=[a-z]{3,})", re.IGNORECASE), r"\1 "),
)
# Function words of the languages a prompt is most often written in when it is not English. Words that English has
# too ("in", "a", "die", "me", "on") are left out.
_FOREIGN = word_set(
    "und oder der das ein eine einen einer mit für fuer zu zum zur soll sollen ich möchte von le la "
    "les des du une et ou avec pour leurs leur que qui dans gérer el los las una para y del por "
    "gestionar quiero il lo gli di che della delle gestire e uma os dos das não en het een voor och "
    "att för som med"
)
_ENGLISH = word_set(
    "the a an and or of to with for where who that which can has have is are by from in on it i my users should"
)


def clean(prompt: str) -> str:
    """Return ``prompt`` with plain quotes, dashes and brackets and no carriage returns.

    Raises:
        UsageError: it is empty, longer than `MAX_CHARACTERS`, or holds control characters, as binary data does.
        Refused: it is not written in English.
    """
    if len(prompt) > MAX_CHARACTERS:
        raise UsageError(
            f"The prompt is too long: {len(prompt):,} characters, at most {MAX_CHARACTERS:,} are read.",
            hint="Say what to build in a few sentences.",
        )
    text = unicodedata.normalize("NFKC", prompt.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))
    for position, character in enumerate(text):
        if character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}:
            raise UsageError(
                f"The prompt holds a control character (U+{ord(character):04X} at position {position + 1}): "
                "it does not look like text.",
                hint="Type the prompt, or give a file of plain text: smaker init --file prompt.txt",
            )
    text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    for old, new in _REPLACEMENTS.items():
        text = text.replace(old, new)
    for pattern, replacement in _ABBREVIATIONS:
        text = pattern.sub(replacement, text)
    if not text.strip():
        raise UsageError(
            "The prompt is empty.",
            hint='Say what to build: smaker init "A REST API to track books (title, author, year)"',
        )
    _check_language(text)
    return text


def _check_language(text: str) -> None:
    letters = [character for character in text if character.isalpha()]
    if not letters:
        raise Refused(
            "The prompt has no words: the offline planner reads English sentences.",
            hint='Say what to build, as in: "A REST API to track books (title, author, year)"',
        )
    latin = sum(1 for character in letters if character < "\u0250")
    words = re.findall(r"[^\W\d_]+", text.lower())
    foreign = sum(1 for word in words if word in _FOREIGN)
    english = sum(1 for word in words if word in _ENGLISH)
    if latin * 5 < len(letters) * 4 or (foreign >= 2 and foreign > english):
        raise Refused(
            "The prompt does not seem to be in English, the only language the offline planner reads.",
            hint="Write it in English, or let a model read it: smaker config set llm.mode openai (or claude, local)",
        )
