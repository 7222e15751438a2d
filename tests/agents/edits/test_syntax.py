"""Files are checked by what their names say they are; what cannot be checked passes."""

from __future__ import annotations

import pytest

from smaker.agents.edits import FORMAT_HELP, Deletion, Edits, WholeFile, check_syntax, parse_answer


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.py", "match x:\n    case [1, *rest]:\n        pass\n"),
        ("a.py", "\ufeffx = 1\n"),
        ("a.py", "x = '\\d' is 1\n"),  # warnings of the code are not ours
        ("a.py", ""),
        ("a.pyi", "def f(x: int) -> str: ...\n"),
        ("a.json", '{"a": [1, 1e999, ' + "9" * 5_000 + "]}"),
        ("tsconfig.json", '{"a": 1, // why\n}'),
        (".vscode/settings.json", '{"a": 1, // why\n}'),
        ("a.toml", "[a]\nb = 1979-05-27\n"),
        ("a.yaml", "a: !Ref b\n---\nc: *unknown\n"),
        ("chart.yml", "a:\n{{ if .b }}\n  c: 1\n{{ end }}\n"),
        ("a.js", "#!/usr/bin/env node\nexport default async () => { for await (const x of y) {} };\n"),
        ("a.jsx", "const a = <p>{b}</p>;\n"),
        ("a.ts", "let x: = {\n"),
        ("Makefile", "a: b\n  c\n"),
    ],
)
def test_what_is_right_or_unknown_passes(path: str, content: str) -> None:
    assert check_syntax(path, content) is None


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("a.py", "x = 1\nreturn x\n", "line 2: 'return' outside function\n1 | x = 1\n2 | return x"),
        (
            "a.py",
            "if x:\npass\n",
            "line 2: expected an indented block after 'if' statement on line 1\n1 | if x:\n2 | pass",
        ),
        ("A.PY", "x = (\n", "line 1: '(' was never closed\n1 | x = ("),
        ("a.json", "", "line 1: Expecting value\n1 |"),
        ("a.json", '{"a": 1}\n}\n', 'line 2: Extra data\n1 | {"a": 1}\n2 | }'),
        ("a.toml", "a = 1\na = 2\n", "line 2: Cannot overwrite a value\n1 | a = 1\n2 | a = 2"),
        ("a.toml", "a = '''\nb\n", "line 3: Expected \"'''\"\n1 | a = '''\n2 | b\n3 |"),
        ("a.yml", "a: [1\nb: 2\n", "line 2: did not find expected ',' or ']'\n1 | a: [1\n2 | b: 2"),
        ("a.yml", "a: \x01\n", "control characters are not allowed"),
        ("a.mjs", "let a = 1;\nlet b = ;\n", "line 2: invalid syntax\n1 | let a = 1;\n2 | let b = ;"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(path: str, content: str, problem: str) -> None:
    assert check_syntax(path, content) == problem


def test_the_help_is_short_and_its_example_is_read_as_it_says() -> None:
    assert len(FORMAT_HELP.splitlines()) <= 25
    answer = parse_answer(FORMAT_HELP)
    assert answer.faults == ()
    assert [type(block) for block in answer.blocks] == [WholeFile, Edits, Deletion]
    assert answer.paths == ("src/greet.py", "src/main.py", "src/old.py")
