"""Definitions found by patterns: in every language, in broken files too, a thousand files in a fraction of a second.

A pattern looks at the start of a line alone, so a definition must begin its line, and code quoted in a string counts.
What is shown of Python and JavaScript is read with a parser (`outline`); this is what files are ranked by.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Each begins at a newline, a literal that the regex engine looks for fast. The group that matches last holds the name.
_MODIFIERS = (
    r"(?:(?:public|private|protected|internal|static|final|abstract|sealed|override|async|readonly|virtual|data|open|case"
    r"|partial|suspend|synchronized|native|get|set)[ \t]+)*"
)
_JAVASCRIPT = (
    r"\n(?:(?P<indent>[ \t]*)(?:export[ \t]+)?(?:default[ \t]+)?(?:declare[ \t]+)?(?:abstract[ \t]+)?(?:async[ \t]+)?"
    r"(?:function[ \t]*\*?|class|interface|enum|namespace)[ \t]+(?P<name>[\w$]+)"
    r"|(?:export[ \t]+)?(?:declare[ \t]+)?(?:const|let|var|type)[ \t]+(?P<constant>[\w$]+)[ \t]*[:=<]"
    rf"|(?P<inner>[ \t]+){_MODIFIERS}\*?(?P<method>#?[\w$]+)[ \t]*(?:<[^>\n]*>)?\([^\n]*\{{[ \t]*(?=\r?\n)"
    r"|(?P<exported>module\.exports|exports\.[\w$]+)[ \t]*=)"
)
_PATTERNS = {
    "python": r"\n(?:(?P<indent>[ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]+(?P<name>\w+)"
    r"|(?P<constant>[A-Z_][A-Z0-9_]*)[ \t]*(?::[^=\n]+)?=(?!=))",
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "go": r"\n(?:func[ \t]+(?:\([^)\n]*\)[ \t]*)?(?P<name>\w+)|type[ \t]+(?P<type>\w+)"
    r"|(?:const|var)[ \t]+(?P<constant>\w+))",
    "rust": r"\n(?P<indent>[ \t]*)(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:(?:const|static)[ \t]+(?:mut[ \t]+)?"
    r"(?P<constant>\w+)[ \t]*:|impl(?:<[^>\n]*>)?[ \t]+(?:[\w:<>', ]+[ \t]for[ \t]+)?(?P<type>\w+)"
    r"|(?:(?:async|unsafe|const|default|extern(?:[ \t]+\"C\")?)[ \t]+)*"
    r"(?:fn|struct|enum|trait|union|mod|type|macro_rules!)[ \t]+(?P<name>\w+))",
    "java": rf"\n(?P<indent>[ \t]*)(?:@\w+[ \t]+)?{_MODIFIERS}"
    r"(?:(?:class|interface|enum|record|struct|object|trait|fun|func|def|protocol|extension|namespace)[ \t]+"
    r"(?P<name>\w+)|(?:[\w<>\[\],.?]+[ \t]+){1,3}(?P<callable>\w+)[ \t]*\([^;\n]*[{),][ \t]*(?=\r?\n))",
    "c": r"\n(?:(?:typedef[ \t]+)?(?:class|struct|enum|union|namespace)[ \t]+(?P<name>\w+)[^;()\n]*(?=\n)"
    r"|\#[ \t]*define[ \t]+(?P<constant>\w+)"
    r"|(?:[\w:<>,~]+[ \t*&]+){1,5}(?P<callable>[\w:~]+)[ \t]*\([^;\n]*[{),][ \t]*(?=\r?\n))",
    "ruby": r"\n(?P<indent>[ \t]*)(?:(?:def|class|module)[ \t]+(?P<name>[\w.:]+[?!=]?)"
    r"|(?P<constant>[A-Z][A-Z0-9_]+)[ \t]*=(?!=))",
    "php": rf"\n(?P<indent>[ \t]*){_MODIFIERS}(?:(?:function[ \t]+&?|class[ \t]+|interface[ \t]+|trait[ \t]+|enum[ \t]+"
    r"|namespace[ \t]+)(?P<name>[\w\\]+)|const[ \t]+(?P<constant>\w+))",
    "shell": r"\n(?:function[ \t]+(?P<name>[\w:.-]+)|(?P<type>[\w:.-]+)[ \t]*\(\)|(?:export[ \t]+|readonly[ \t]+)?"
    r"(?P<constant>[A-Z][A-Z0-9_]+)=)",
}
_COMPILED = {language: re.compile(pattern) for language, pattern in _PATTERNS.items()}
_NOT_NAMES = frozenset(
    [
        "if",
        "for",
        "while",
        "switch",
        "catch",
        "return",
        "function",
        "with",
        "await",
        "else",
        "elif",
        "do",
        "try",
        "throw",
        "new",
        "typeof",
        "delete",
        "using",
        "lock",
        "foreach",
        "sizeof",
        "defined",
        "case",
        "default",
        "in",
        "is",
        "as",
        "void",
        "yield",
        "assert",
    ]
)


class Mark(NamedTuple):
    """A definition's name, its line (from 1) and its indent in characters (a tab is four)."""

    name: str
    line: int
    indent: int
    constant: bool


def scan(language: str, text: str) -> list[Mark]:
    """Return the definitions in a source, in order; none in a language that has no pattern."""
    pattern = _COMPILED.get(language)
    if pattern is None:
        return []
    source = "\n" + text
    found: list[Mark] = []
    line = at = 0
    for match in pattern.finditer(source):
        groups = match.groupdict()
        kind = match.lastgroup or ""
        name = groups[kind]
        if name is None or name in _NOT_NAMES:
            continue
        start = match.start() + 1
        line += source.count("\n", at, start)
        at = start
        indent = groups.get("inner") or groups.get("indent") or ""
        found.append(Mark(name, line, len(indent) + 3 * indent.count("\t"), kind in {"constant", "exported"}))
    return found
