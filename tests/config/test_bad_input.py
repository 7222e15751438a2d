"""What a configuration file must not be: each answer names file, line, column, what is wrong and the nearest right."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaker.config import Loaded, load_settings
from smaker.core.errors import ConfigError
from smaker.core.terminal import sanitize
from smaker.testing import Canaries, assert_safe_failure

Load = Callable[..., Loaded]
Refuse = Callable[..., str]

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

# what is in the file, where it is wrong, words of the message
BAD: dict[str, tuple[str | bytes, str, str]] = {
    "python object": ("llm: !!python/object/apply:os.system [id]", "1:6", "tags are not allowed"),
    "own tag": ("llm: {mode: !secret x}", "1:13", "tags are not allowed"),
    "standard tag": ("limits: {max_fix_attempts: !!int '3'}", "1:28", "tags are not allowed"),
    "billion laughs": (LAUGHS, "4:20", "aliases expanded"),
    "alias of itself": ("llm: &a {mode: *a}", "1:16", "the alias *a names nothing"),
    "unknown alias": ("llm: *x", "1:6", "the alias *x names nothing"),
    "merge key": ("limits:\n  <<: {max_fix_attempts: 3}\n", "2:3", "unknown key 'limits.<<'"),
    "duplicate section": ("limits: {}\nlimits: {}\n", "2:1", "'limits' is here twice, first in line 1"),
    "duplicate key": ("budget: {max_tokens: 1, max_tokens: 2}", "1:25", "'max_tokens' is here twice"),
    "no for a boolean": ("llm:\n  providers:\n    claude: {enabled: no}\n", "3:23", 'true or false, not "no"'),
    "yes for a boolean": ("llm: {providers: {claude: {enabled: yes}}}", "1:37", 'true or false, not "yes"'),
    "octal": ("limits: {max_fix_attempts: 0777}", "1:28", 'a whole number, not "0777"'),
    "sexagesimal": ("limits: {command_timeout_s: 12:30}", "1:29", 'a number, not "12:30"'),
    "number in quotes": ("limits: {max_fix_attempts: '3'}", "1:28", 'a whole number, not "3"'),
    "fraction": ("limits: {max_fix_attempts: 2.5}", "1:28", "a whole number, not 2.5"),
    "boolean for a number": ("limits: {max_fix_attempts: true}", "1:28", "a whole number, not true"),
    "number for a text": ("llm: {providers: {openai: {model: 4.1}}}", "1:35", "must be text; put it in quotes"),
    "null for a number": ("limits: {max_fix_attempts: null}", "1:28", "a whole number, not null"),
    "list for a text": ("llm: {mode: [openai]}", "1:13", "llm.mode must be"),
    "negative": ("limits: {max_fix_attempts: -1}", "1:28", "greater than or equal to 0"),
    "zero minutes": ("budget: {max_minutes: 0}", "1:23", "greater than 0"),
    "negative budget": ("budget: {max_cost_usd: -0.5}", "1:24", "greater than or equal to 0"),
    "nan": ("budget: {max_cost_usd: .nan}", "1:24", "finite"),
    "infinite": ("budget: {max_cost_usd: .inf}", "1:24", "finite"),
    "infinite timeout": ("limits: {command_timeout_s: .inf}", "1:29", "less than or equal to"),
    "nan timeout": ("limits: {command_timeout_s: .NaN}", "1:29", "limits.command_timeout_s must be"),
    "enormous": ("limits: {max_parallel_tasks: 1000000000}", "1:30", "less than or equal to 64"),
    "1e9": ("limits: {max_parallel_tasks: 1e9}", "1:30", "a whole number"),
    "more digits than a number has": (f"budget: {{max_tokens: {'9' * 6000}}}", "1:22", "a whole number"),
    "too much money": ("budget: {max_cost_usd: 1.0e+9}", "1:24", "less than or equal to 100000"),
    "port": ("server: {port: 65536}", "1:16", "less than or equal to 65535"),
    "host": ("server: {host: 'a b'}", "1:16", "a host name"),
    "database": ("server: {database_url: 'mysql://x'}", "1:24", "sqlite or postgresql"),
    "redis": ("server: {redis_url: 'http://x'}", "1:21", "redis://"),
    "deep lists": ("llm: " + "[" * 200_000, "1:25", "levels deep"),
    "deep mappings": ("".join(f"{' ' * n}a:\n" for n in range(60)), "21:21", "levels deep"),
    "many keys": ("".join(f"k{n}: 1\n" for n in range(20_000)), "2501:1", "more than 5000 values"),
    "utf-16": ("llm: {mode: offline}".encode("utf-16"), "1:1", "UTF-16"),
    "bad utf-8": (b"llm:\n  mode: \xff\n", "2:9", "not valid UTF-8"),
    "latin-1": ("# Grüße\n".encode("latin-1"), "1:5", "not valid UTF-8"),
    "tab": ("llm:\n\tmode: offline\n", "2:1", "a tab where only spaces may stand"),
    "nul": ("llm:\n  mode: off\0line\n", "2:12", "control character U+0000"),
    "escape": ("llm: {mode: '\x1b[2J'}", "1:14", "control character U+001B"),
    "binary": (bytes(range(128, 256)), "1:1", "not valid UTF-8"),
    "half-written brackets": ("limits: {max_fix_attempts: 3, max_par", "1:38", "did not find expected"),
    "half-written quote": ('llm: {mode: "offl', "1:18", "unexpected end of stream"),
    "half-written key": ("llm:\n  mode: offline\nlimi", "3:5", "could not find expected ':'"),
    "two colons": ("llm: mode: offline", "1:10", "mapping values are not allowed"),
    "indentation": ("llm:\n  mode: offline\n strategy: fallback\n", "3:2", "did not find expected key"),
    "two documents": ("llm: {}\n---\nllm: {}\n", "2:1", "a second document"),
    "only a word": ("offline", "1:1", "must hold keys"),
    "only a list": ("- llm", "1:1", "must hold keys"),
    "section with a value": ("limits: 3", "1:9", "limits must hold keys"),
    "section with a list": ("llm: {providers: [openai]}", "1:18", "llm.providers must hold keys"),
    "list as a key": ("? [a]\n: b\n", "1:3", "a key must be a word"),
    "unknown section": ("limts: {}", "1:1", "unknown key 'limts', nearest valid key: 'limits'"),
    "unknown key": ("limits: {max_fix_attempt: 3}", "1:10", "nearest valid key: 'limits.max_fix_attempts'"),
    "key of another section": ("max_cost_usd: 3", "1:1", "nearest valid key: 'budget.max_cost_usd'"),
    "key like no other": ("llm: {zzz: 1}", "1:7", "valid keys here: mode, providers, routing, strategy"),
    "unknown role": ("llm: {routing: {codegen: [local]}}", "1:17", "nearest valid key: 'llm.routing.code_generation'"),
    "unknown mode": ("llm: {mode: hybird}", "1:13", "not \"hybird\", nearest: 'hybrid'"),
    "unknown strategy": ("llm: {strategy: random}", "1:17", "llm.strategy must be"),
    "unknown target": ("deploy: {target: dockr}", "1:18", "deploy.target must be"),
    "sandbox off": ("sandbox: {kind: off}", "1:17", "'auto', 'bwrap', 'docker' or 'process'"),
    "route to nobody": ("llm: {routing: {testing: [opnai]}}", "1:26", "names 'opnai', no provider, nearest: 'openai'"),
    "route that is a word": ("llm: {routing: {testing: openai}}", "1:26", "must be a list"),
    "route that is empty": ("llm: {routing: {testing: []}}", "1:26", "must not be empty"),
    "route without a strategy": ("llm: {routing: {testing: {providers: [local]}}}", "1:26", "name a strategy"),
    "weight": ("llm: {routing: {fixing: {strategy: weighted, providers: {claude: lots}}}}", "1:66", "whole number"),
    "weight of nothing": ("llm: {routing: {fixing: {strategy: weighted, providers: {claude: 0}}}}", "1:66", "or equal"),
    "two judges": (
        "llm: {routing: {review: {strategy: ensemble, propose: [openai], reconcile: openai, pick: tests}}}",
        "1:25", "either 'reconcile: <provider>' or 'pick: tests'",
    ),
    "provider without a model": ("llm: {providers: {groq: {enabled: true}}}", "1:35", "groq.model is missing"),
    "provider without anything": ("llm: {providers: {groq: }}", "1:25", "llm.providers.groq.model is missing"),
    "provider's name": ("llm: {providers: {'My GPT': {model: x}}}", "1:37", "a provider's name"),
    "model's name": ("llm: {providers: {openai: {model: 'gpt 4'}}}", "1:35", "a model's name"),
}  # fmt: skip


@pytest.mark.attack("Y72", "Y73", "Y74", "Y75", "Y76", "Y77", "Y78", "Y79", "Y85")
@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_answered_with_its_place(refuse: Refuse, tmp_path: Path, case: str) -> None:
    content, where, words = BAD[case]
    start = time.process_time()
    message = refuse(content)
    assert time.process_time() - start < 2
    assert message.startswith(f"config error: {tmp_path / 'config.yaml'}:{where}: "), message
    assert words in message
    assert "Traceback" not in message
    assert message.isprintable()


def test_everything_that_is_wrong_is_said_at_once(refuse: Refuse) -> None:
    message = refuse("limts: {}\nlimits: {max_fix_attempts: x}\nbudget:\n  max_tokens: -1\n")
    assert [line.split(":")[2:4] for line in message.splitlines()] == [["1", "1"], ["2", "28"], ["4", "15"]]


@pytest.mark.attack("Y77")
def test_a_file_above_256_kilobytes_is_refused_before_it_is_parsed(refuse: Refuse) -> None:
    start = time.process_time()
    assert "larger than 256 kB" in refuse("".join(f"key_{n}: 1\n" for n in range(60_000)))
    assert time.process_time() - start < 0.1


def test_a_project_file_is_held_to_the_same_rules(refuse: Refuse, tmp_path: Path) -> None:
    message = refuse(project="limits:\n  max_fix_attempts: no\n")
    assert message.startswith(
        f"config error: {tmp_path / 'smaker.yaml'}:2:21: limits.max_fix_attempts must be a whole number"
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"SMAKER_LLM__MOED": "x"},
            "environment SMAKER_LLM__MOED: unknown key 'llm.moed', nearest valid key: 'llm.mode'",
        ),
        ({"SMAKER_NOWHERE__KEY": "x"}, "environment SMAKER_NOWHERE__KEY: unknown key 'nowhere'"),
        ({"SMAKER_LLM__MODE__X": "x"}, "environment SMAKER_LLM__MODE__X: 'llm.mode' holds a value"),
        ({"SMAKER_LLM__ROUTING": "x"}, "environment SMAKER_LLM__ROUTING: 'llm.routing' is a section"),
        ({"SMAKER_LLM__MODE": "no"}, "environment SMAKER_LLM__MODE: llm.mode must be"),
        ({"SMAKER_MAX_COST": "nan"}, "environment SMAKER_MAX_COST: budget.max_cost_usd must be a number"),
        (
            {"SMAKER_MAX_COST": "-1"},
            "environment SMAKER_MAX_COST: budget.max_cost_usd must be greater than or equal to 0",
        ),
        ({"SMAKER_MAX_TOKENS": "["}, "environment SMAKER_MAX_TOKENS:1:2: did not find"),
        ({"SMAKER_MAX_TOKENS": "\udcff"}, "environment SMAKER_MAX_TOKENS: not valid UTF-8"),
        (
            {"SMAKER_LLM__PROVIDERS__GROQ__ENABLED": "true"},
            "SMAKER_LLM__PROVIDERS__GROQ__ENABLED: llm.providers.groq.model",
        ),
    ],
)
def test_a_bad_variable_is_named(refuse: Refuse, environ: dict[str, str], message: str) -> None:
    assert message in refuse(environ=environ)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"llm.mode": "hybird"}, "flag --mode: llm.mode must be"),
        ({"budget.max_cost_usd": float("nan")}, "flag --max-cost: budget.max_cost_usd must be a finite number"),
        ({"limits": 3}, "flag --limits: 'limits' is a section"),
        ({"limits.max_fix_atempts": 3}, "nearest valid key: 'limits.max_fix_attempts'"),
    ],
)
def test_a_bad_flag_is_named(refuse: Refuse, overrides: dict[str, object], message: str) -> None:
    assert message in refuse(overrides=overrides)


def test_what_is_no_regular_file_is_refused_without_hanging(tmp_path: Path, canaries: Canaries) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero")):
        with pytest.raises(ConfigError) as caught:
            load_settings(user_file=path, environ={})
        assert_safe_failure(caught.value, says="not a regular file", canaries=canaries)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError) as caught:
        load_settings(user_file=loop, environ={})
    assert_safe_failure(caught.value, says="cannot read", canaries=canaries)


@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.text(alphabet="{}[]:,-&*!|>'\"#%@` \n\tabllmode0.~?", max_size=200).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["llm", "limits", "mode", "x"]), inner)
        ),
        max_leaves=20,
    ).map(lambda data: repr(data).replace("'", '"').encode("utf-8", "replace"))
)
def test_any_bytes_load_or_are_refused_with_a_message(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    try:
        load_settings(user_file=file, environ={})
    except ConfigError as error:
        assert error.message.startswith(f"config error: {file}:")
        assert sanitize(error.message) == error.message
