"""Which variables a caller may set in a box."""

from __future__ import annotations

import pytest

from smaker.sandbox.variables import BASE, environment, permitted


@pytest.mark.attack("C44")
@pytest.mark.parametrize(
    "name",
    [
        *("LD_PRELOAD", "LD_LIBRARY_PATH", "ld_audit", "DYLD_INSERT_LIBRARIES", "GIT_DIR", "GIT_CONFIG_COUNT"),
        *("PYTHONSTARTUP", "PYTHONHOME", "NODE_OPTIONS", "BASH_ENV", "ENV", "BASH_FUNC_ls%%", "PERL5OPT", "RUBYOPT"),
        *("JAVA_TOOL_OPTIONS", "PATH", "IFS", "PROMPT_COMMAND", "PIP_INDEX_URL", "UV_INDEX", "npm_config_registry"),
        *("", "1A", "A-B", "A=B", "A B", "Ä", "A\0"),
    ],
)
def test_what_makes_programs_run_code_is_not(name: str) -> None:
    assert not permitted(name)
    assert environment({name: "x"}, (), {}) == environment({}, (), {})


@pytest.mark.parametrize("name", ["DATABASE_URL", "PORT", "PYTHONPATH", "PYTHONHASHSEED", "_x", "TZ", "LANG"])
def test_what_programs_are_configured_with_is(name: str) -> None:
    assert environment({name: "x"}, (), {})[name] == "x"


def test_ours_win_and_the_path_is_the_callers_first() -> None:
    made = environment({"HOME": "/theirs", "X": "a\0b"}, ("/env/bin", "/env/bin"), {"HOME": "/ours"})
    assert made["HOME"] == "/ours"
    assert "X" not in made
    assert made["PATH"].startswith("/env/bin:/usr/local/sbin:")
    assert set(BASE) <= set(made)
