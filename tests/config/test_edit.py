"""Setting one value leaves every other character of the file as it is."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaker.config import (
    LiveConfiguration,
    Settings,
    check_value,
    get_value,
    load_settings,
    put_back,
    set_value,
)
from smaker.core.errors import ConfigError
from smaker.testing import Canaries, assert_safe_failure, fingerprint

COMMENTED = """\
# my configuration
llm:   # models
  mode: "hybrid"    # or local
  providers:
    openai: {enabled: true, model: 'gpt-4.1'}  # the good one
    local:
      base_url: "http://local-llm:8000/v1"

      # what ollama pulls
      model: deepseek-coder
  routing:
    planning:
      - openai   # first
      - local
    testing: [openai]

limits:
# nothing yet
budget: {}
# the end
"""

# key, what is typed, the piece that changes, what it becomes
EDITS = [
    ("llm.mode", "local", 'mode: "hybrid"    # or', "mode: local    # or"),
    ("llm.providers.openai.model", "gpt-5", "model: 'gpt-4.1'}", "model: gpt-5}"),
    ("llm.providers.openai.model", "4.1", "model: 'gpt-4.1'}", 'model: "4.1"}'),
    ("llm.providers.openai.enabled", "false", "enabled: true", "enabled: false"),
    ("llm.providers.local.model", "qwen2.5-coder:7b", "model: deepseek-coder", "model: qwen2.5-coder:7b"),
    ("llm.routing.testing", "[local, openai]", "testing: [openai]", "testing: [local, openai]"),
    ("llm.routing.testing", "null", "testing: [openai]", "testing: null"),
    (
        "llm.routing.planning",
        "[local]",
        "planning:\n      - openai   # first\n      - local\n",
        "planning: [local]\n",
    ),
    (
        "llm.routing.testing",
        "{strategy: weighted, providers: {openai: 2}}",
        "testing: [openai]",
        "testing: {strategy: weighted, providers: {openai: 2}}",
    ),
    # keys that are not there yet
    ("llm.providers.openai.api_key_env", "MY_KEY", "model: 'gpt-4.1'}", "model: 'gpt-4.1', api_key_env: MY_KEY}"),
    ("llm.providers.local.enabled", "true", "deepseek-coder\n", "deepseek-coder\n      enabled: true\n"),
    (
        "llm.providers.groq.model",
        "groq/llama",
        "deepseek-coder\n",
        "deepseek-coder\n    groq:\n      model: groq/llama\n",
    ),
    ("llm.strategy", "round_robin", "    testing: [openai]\n", "    testing: [openai]\n  strategy: round_robin\n"),
    ("limits.max_fix_attempts", "3", "limits:\n", "limits: {max_fix_attempts: 3}\n"),
    ("budget.max_cost_usd", "0.5", "budget: {}", "budget: {max_cost_usd: 0.5}"),
    ("server.port", "9000", "budget: {}\n", "budget: {}\nserver:\n  port: 9000\n"),
]


@pytest.mark.parametrize(("key", "text", "old", "new"), EDITS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_set_changes_one_piece(tmp_path: Path, key: str, text: str, old: str, new: str, newline: str) -> None:
    assert COMMENTED.count(old) == 1
    file = tmp_path / "config.yaml"
    file.write_bytes(COMMENTED.replace("\n", newline).encode())
    set_value(file, key, text)
    assert file.read_bytes().decode() == COMMENTED.replace(old, new).replace("\n", newline)
    assert load_settings(user_file=file, environ={}).origin[key].startswith(f"{file}:")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "limits:\n  max_fix_attempts: 3\n"),
        ("", "limits:\n  max_fix_attempts: 3\n"),
        ("# only a comment", "# only a comment\nlimits:\n  max_fix_attempts: 3\n"),
        ("---\n", "---\nlimits:\n  max_fix_attempts: 3\n"),
        ("budget: {max_tokens: 5}", "budget: {max_tokens: 5}\nlimits:\n  max_fix_attempts: 3\n"),
        ("{budget: {max_tokens: 5}}\n", "{budget: {max_tokens: 5}, limits: {max_fix_attempts: 3}}\n"),
        ("{}", "{limits: {max_fix_attempts: 3}}"),
        ("limits: {max_fix_attempts: 9,}\n", "limits: {max_fix_attempts: 3,}\n"),
        ("limits: {max_steps_per_task: 9,}\n", "limits: {max_steps_per_task: 9, max_fix_attempts: 3,}\n"),
        ("limits:\n    max_steps_per_task: 9\n", "limits:\n    max_steps_per_task: 9\n    max_fix_attempts: 3\n"),
        ("limits: ~ # none\n", "limits: {max_fix_attempts: 3} # none\n"),
        ("# Grüße 🚀\nlimits: {max_fix_attempts: 1} # é\n", "# Grüße 🚀\nlimits: {max_fix_attempts: 3} # é\n"),
        ('"limits": {"max_fix_attempts": 1}', '"limits": {"max_fix_attempts": 3}'),
        ("budget: {}\n...\n", "budget: {}\nlimits:\n  max_fix_attempts: 3\n...\n"),
        ("limits : {max_fix_attempts : 1}", "limits : {max_fix_attempts : 3}"),
        ("limits:\n  max_fix_attempts:\n    9\n", "limits:\n  max_fix_attempts:\n    3\n"),
        (
            "llm:\n  providers:\n    local:\n      model: >-\n        folded\n\n",
            "llm:\n  providers:\n    local:\n      model: >-\n        folded\n\nlimits:\n  max_fix_attempts: 3\n",
        ),
    ],
)
def test_set_copes_with_the_layout(tmp_path: Path, before: str | None, after: str) -> None:
    file = tmp_path / "folder" / "config.yaml"
    if before is not None:
        file.parent.mkdir()
        file.write_text(before)
    set_value(file, "limits.max_fix_attempts", "3")
    assert file.read_text() == after
    assert load_settings(user_file=file, environ={}).settings.limits.max_fix_attempts == 3
    assert [path.name for path in file.parent.iterdir()] == ["config.yaml"]


KEY = "sk-" + "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=48))


@pytest.mark.attack("Y79", "Y80", "Y83", "Y85")
@pytest.mark.parametrize(
    ("before", "key", "text", "words"),
    [
        ("", "limits.max_fix_attempt", "3", "nearest valid key: 'limits.max_fix_attempts'"),
        ("", "limits", "3", "is a section"),
        ("", "limits.max_fix_attempts", "many", "must be a whole number"),
        ("", "limits.max_fix_attempts", "-1", "greater than or equal to 0"),
        ("", "limits.max_fix_attempts", "[1", "did not find expected"),
        ("", "llm.mode", "hybird", "nearest: 'hybrid'"),
        ("", "llm.providers.local.base_url", "http://169.254.169.254/", "metadata"),
        ("", "llm.providers.groq.enabled", "true", "llm.providers.groq.model is missing"),
        ("", "llm.providers.openai.api_key", "anything", "keys are never stored in YAML"),
        ("", "llm.providers.openai.model", KEY, "keys are never stored in YAML"),
        ("", "llm.providers", "{groq: {model: x}}", "is a section"),
        ("", "llm.providers.groq", "word", "must hold keys"),
        ("", "llm.providers.groq", "{model: x, api_key: y}", "keys are never stored in YAML"),
        ("", "llm.providers.groq", "{modell: x}", "nearest valid key: 'llm.providers.groq.model'"),
        ("llm: {providers: {groq: {model: x}}}", "llm.providers.groq", "{model: y}", "is there already"),
        ("limits: [", "limits.max_fix_attempts", "3", "config.yaml:1:10: did not find"),
        ("limts: {}", "limits.max_fix_attempts", "3", "config.yaml:1:1: unknown key 'limts'"),
        ("llm: {routing: {planning: &a [local], testing: *a}}", "llm.routing.planning", "[openai]", "something else"),
    ],
)
def test_what_cannot_be_set_leaves_the_file_as_it_was(
    tmp_path: Path, canaries: Canaries, before: str, key: str, text: str, words: str
) -> None:
    file = tmp_path / "folder" / "config.yaml"
    file.parent.mkdir()
    file.write_text(before)
    there = fingerprint(tmp_path)
    with pytest.raises(ConfigError) as caught:
        set_value(file, key, text)
    assert_safe_failure(
        caught.value, code="E_CONFIG", says=words, unchanged=there, canaries=canaries, places=[tmp_path]
    )
    assert KEY not in caught.value.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "llm:\n  providers:\n    groq: {model: llama-3.3, enabled: true}\n"),
        (
            "llm:\n  providers:  # mine\n    openai:\n      model: gpt-5  # good\n\nlimits: {}\n",
            "llm:\n  providers:  # mine\n    openai:\n      model: gpt-5  # good\n"
            "    groq: {model: llama-3.3, enabled: true}\n\nlimits: {}\n",
        ),
        (
            "llm: {providers: {openai: {model: gpt-5}}}  # mine\n",
            "llm: {providers: {openai: {model: gpt-5}, groq: {model: llama-3.3, enabled: true}}}  # mine\n",
        ),
    ],
)
def test_a_new_provider_is_written_whole(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(before)
    set_value(file, "llm.providers.groq", "{model: llama-3.3, enabled: true}")
    assert file.read_text() == after
    assert load_settings(user_file=file, environ={}).settings.llm.providers["groq"].model == "llama-3.3"


def test_a_wrong_value_in_the_file_can_be_set_right(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("llm:\n  mode: hybird\n")
    set_value(file, "llm.mode", "hybrid")
    assert file.read_text() == "llm:\n  mode: hybrid\n"


def test_a_new_file_is_the_users_alone_and_an_old_one_keeps_its_mode_and_link(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    set_value(file, "llm.mode", "local")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    set_value(link, "llm.mode", "hybrid")
    assert link.is_symlink()
    assert file.read_text() == "llm:\n  mode: hybrid\n"
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("llm: {mode: local}\n")
    file.chmod(0o444)
    with pytest.raises(ConfigError, match="is read-only") as caught:
        set_value(file, "llm.mode", "hybrid")
    assert "chmod u+w" in caught.value.hint
    assert file.read_text() == "llm: {mode: local}\n"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot"):
        set_value(tmp_path / "file" / "config.yaml", "llm.mode", "local")


VALUES = {
    "llm.mode": st.sampled_from(["offline", "local", "hybrid"]),
    "llm.providers.openai.model": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,30}", fullmatch=True),
    "llm.providers.extra.model": st.sampled_from(["no", "1e3", "0x1", "null", "true", "12:30", "~x", "a:b"]).filter(
        lambda text: text[0] != "~"
    ),
    "llm.routing.planning": st.sampled_from(["[openai]", "[local, claude]", "null"]),
    "limits.max_fix_attempts": st.integers(0, 100).map(str),
    "budget.max_cost_usd": st.floats(0, 1000).map(str) | st.just("null"),
    "sandbox.kind": st.sampled_from(["auto", "bwrap"]),
    "deploy.target": st.sampled_from(["none", "process"]),
}
CHANGES = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda key: st.tuples(st.just(key), VALUES[key])), min_size=1, max_size=6
)
STARTS = st.sampled_from([COMMENTED, "", "{}", "# c", "llm: {}\nlimits:\n  max_steps_per_task: 3 # c\n\n\n# d\n"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STARTS, CHANGES)
def test_any_series_of_changes_is_in_force_and_loses_no_comment(
    tmp_path: Path, start: str, changes: list[tuple[str, str]]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(start)
    for key, text in changes:
        set_value(file, key, text)
    loaded = load_settings(user_file=file, environ={})
    for key, text in dict(changes).items():
        shown = get_value(loaded.settings, key)
        assert shown == pytest.approx(float(text)) if isinstance(shown, float) else str(shown) or text
        if isinstance(shown, str):
            assert shown == text
    replaced = {"# first"} if "llm.routing.planning" in dict(changes) else set()
    for comment in {
        "# my configuration",
        "# models",
        "# or local",
        "# the good one",
        "# what ollama pulls",
        "# first",
        "# nothing yet",
        "# the end",
        "# c",
        "# d",
    } - replaced:
        assert (comment in start) <= (comment in file.read_text())


@pytest.fixture
def live(tmp_path: Path) -> LiveConfiguration:
    file = tmp_path / "config.yaml"
    file.write_text("limits:\n  max_fix_attempts: 3\n")
    return LiveConfiguration(lambda: load_settings(user_file=file, environ={}))


def test_a_change_comes_into_force_when_it_is_read_again(live: LiveConfiguration, tmp_path: Path) -> None:
    set_value(tmp_path / "config.yaml", "limits.max_fix_attempts", "7")
    assert live.loaded.settings.limits.max_fix_attempts == 3
    assert live.reload() is None
    assert live.loaded.settings.limits.max_fix_attempts == 7


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("limits:\n  max_fix_attempts: 3\n  max_par", 3),
        ("limits: {max_fix_attempts: ", 1),
        ("limits:\n  max_fix_at: 1", 2),
    ],
)
def test_a_half_written_file_leaves_the_old_settings_in_force(
    live: LiveConfiguration, tmp_path: Path, content: str, line: int
) -> None:
    before = live.loaded
    (tmp_path / "config.yaml").write_text(content)
    error = live.reload()
    assert error is not None
    assert f"config.yaml:{line}:" in error.message
    assert live.loaded is before


def test_a_file_that_vanished_or_cannot_be_read_leaves_the_old_settings_in_force(
    live: LiveConfiguration, tmp_path: Path
) -> None:
    before = live.loaded
    (tmp_path / "config.yaml").unlink()
    error = live.reload()
    assert error is not None
    assert "is gone" in error.message
    (tmp_path / "config.yaml").mkdir()
    error = live.reload()
    assert error is not None
    assert "not a regular file" in error.message
    assert live.loaded is before
    (tmp_path / "config.yaml").rmdir()
    (tmp_path / "config.yaml").write_text("limits: {max_fix_attempts: 4}")
    assert live.reload() is None
    assert live.loaded.settings == Settings(limits=before.settings.limits.model_copy(update={"max_fix_attempts": 4}))


def test_a_value_is_checked_without_writing_anything(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    file = folder / "config.yaml"
    check_value(file, "llm.mode", "local")
    with pytest.raises(ConfigError, match="llm"):
        check_value(file, "llm.mode", "lokal")
    assert list(folder.iterdir()) == []
    file.write_text(COMMENTED)
    with pytest.raises(ConfigError, match=rf"{file}:\d+:.*limits.max_fix_attempts") as raised:
        check_value(file, "limits.max_fix_attempts", "-1")
    assert "smaker-config-" not in raised.value.message
    assert (file.read_text(), list(folder.iterdir())) == (COMMENTED, [file])


@pytest.mark.parametrize("before", [None, COMMENTED])
def test_what_was_set_can_be_taken_back(tmp_path: Path, before: str | None) -> None:
    file = tmp_path / "config.yaml"
    if before is not None:
        file.write_text(before)
        file.chmod(0o640)
    old = None if before is None else before.encode()
    set_value(file, "llm.mode", "local")
    after = file.read_bytes()
    file.write_bytes(after + b"# mine\n")
    with pytest.raises(ConfigError, match="changed since"):
        put_back(file, old, after)
    file.write_bytes(after)
    put_back(file, old, after)
    assert (file.read_text() if file.exists() else None) == before
    assert before is None or file.stat().st_mode & 0o777 == 0o640
