"""Layers: who wins, and where each value says it came from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.config import Loaded, Settings, data_home, get_value, load_settings, user_config_path
from smaker.core.errors import ConfigError
from smaker.core.models import Budget, DeployTarget

Load = Callable[..., Loaded]
Refuse = Callable[..., str]

SEED = """\
llm:
  mode: "hybrid"    # "openai", "claude", "local", "hybrid"
  providers:
    openai:
      enabled: true
      api_key_env: "OPENAI_API_KEY"
      model: "gpt-4.1"
    claude:
      enabled: false
      api_key_env: "ANTHROPIC_API_KEY"
      model: "claude-3.5-sonnet"
    local:
      enabled: true
      base_url: "http://local-llm:8000/v1"
      model: "deepseek-coder"
  routing:
    code_generation: ["local", "openai"]
    planning: ["openai", "claude"]
    testing: ["openai"]
"""

EVERYTHING = """\
llm:
  mode: offline            # offline | openai | claude | local | hybrid
  providers:
    openai: {enabled: true, api_key_env: OPENAI_API_KEY, model: gpt-4.1}
    claude: {enabled: false, api_key_env: ANTHROPIC_API_KEY, model: claude-sonnet-4-5}
    local:  {enabled: true, base_url: "http://localhost:11434/v1", model: qwen2.5-coder}
  routing:
    planning: [openai, claude]
    code_generation: [local, openai]
    testing: [openai]
    fixing: {strategy: weighted, providers: {claude: 3, openai: 1}}
    review: {strategy: ensemble, propose: [openai, claude], reconcile: openai}
  strategy: fallback
limits: {max_parallel_projects: 4, max_parallel_tasks: 4, max_fix_attempts: 5, max_steps_per_task: 60, command_timeout_s: 600}
budget: {max_cost_usd: 5.0, max_tokens: null, max_minutes: null, max_task_cost_usd: null, max_task_tokens: null, max_task_minutes: null}
sandbox: {kind: auto, network: registries, memory_mb: 4096, processes: 512}
deploy: {target: none}
server: {host: 127.0.0.1, port: 8765, database_url: null, redis_url: null}
"""  # noqa: E501  as the contract writes it


def test_without_any_file_the_defaults_hold(load: Load) -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.origin.values()) == {"default"}
    assert (loaded.ignored, loaded.warnings, loaded.files) == ((), (), ())


def test_the_whole_grammar_loads_and_shows_the_defaults(load: Load) -> None:
    loaded = load(EVERYTHING)
    assert loaded.settings == Settings()
    assert "default" not in {origin for key, origin in loaded.origin.items() if key.split(".")[-1] != "base_url"} - {
        loaded.origin["llm.providers.local.api_key_env"]
    }


def test_the_first_example_loads_as_it_stands(load: Load, tmp_path: Path) -> None:
    loaded = load(SEED)
    llm = loaded.settings.llm
    assert llm.mode == "hybrid"
    assert llm.providers["claude"].model == "claude-3.5-sonnet"
    assert llm.providers["local"].base_url == "http://local-llm:8000/v1"
    assert llm.routing.code_generation == ("local", "openai")
    assert llm.in_use() == ("openai", "local")
    assert loaded.origin["llm.mode"] == f"{tmp_path / 'config.yaml'}:2"
    assert loaded.origin["llm.providers.local.model"] == f"{tmp_path / 'config.yaml'}:15"
    assert loaded.origin["llm.routing.planning"] == f"{tmp_path / 'config.yaml'}:18"
    assert loaded.origin["llm.routing.review"] == "default"


def test_flags_win_over_environment_over_project_over_user_over_defaults(load: Load, tmp_path: Path) -> None:
    user = (
        "limits:\n  max_fix_attempts: 9\n  max_parallel_tasks: 9\n  max_steps_per_task: 90\n  command_timeout_s: 90\n"
    )
    project = "limits:\n  max_fix_attempts: 8\n  max_parallel_tasks: 8\n  max_steps_per_task: 80\n"
    environ = {"SMAKER_LIMITS__MAX_FIX_ATTEMPTS": "7", "SMAKER_LIMITS__MAX_PARALLEL_TASKS": "7"}
    loaded = load(user, project, environ, {"limits.max_fix_attempts": 6})
    limits = loaded.settings.limits
    assert (limits.max_fix_attempts, limits.max_parallel_tasks) == (6, 7)
    assert (limits.max_steps_per_task, limits.command_timeout_s, limits.max_parallel_projects) == (80, 90, 4)
    assert loaded.origin["limits.max_fix_attempts"] == "flag --max-fix-attempts"
    assert loaded.origin["limits.max_parallel_tasks"] == "environment SMAKER_LIMITS__MAX_PARALLEL_TASKS"
    assert loaded.origin["limits.max_steps_per_task"] == f"{tmp_path / 'smaker.yaml'}:4"
    assert loaded.origin["limits.command_timeout_s"] == f"{tmp_path / 'config.yaml'}:5"
    assert loaded.origin["limits.max_parallel_projects"] == "default"


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("SMAKER_LLM__MODE", "local", "llm.mode", "local"),
        ("SMAKER_MODE", "hybrid", "llm.mode", "hybrid"),
        ("SMAKER_MAX_COST", "2.5", "budget.max_cost_usd", 2.5),
        ("SMAKER_MAX_COST", "null", "budget.max_cost_usd", None),
        ("SMAKER_MAX_TOKENS", "100000", "budget.max_tokens", 100_000),
        ("SMAKER_MAX_MINUTES", "30", "budget.max_minutes", 30),
        ("SMAKER_MAX_TASK_COST", "0.5", "budget.max_task_cost_usd", 0.5),
        ("SMAKER_MAX_TASK_TOKENS", "9000", "budget.max_task_tokens", 9000),
        ("SMAKER_MAX_TASK_MINUTES", "1.5", "budget.max_task_minutes", 1.5),
        ("SMAKER_SANDBOX", "bwrap", "sandbox.kind", "bwrap"),
        ("SMAKER_DEPLOY", "process", "deploy.target", "process"),
        ("SMAKER_DATABASE_URL", "postgresql+asyncpg://db/x", "server.database_url", "postgresql+asyncpg://db/x"),
        ("SMAKER_REDIS_URL", "redis://redis:6379/0", "server.redis_url", "redis://redis:6379/0"),
        ("SMAKER_LLM__PROVIDERS__LOCAL__MODEL", "llama3:8b", "llm.providers.local.model", "llama3:8b"),
        ("SMAKER_LLM__PROVIDERS__LOCAL__MODEL", "4.1", "llm.providers.local.model", "4.1"),
        ("SMAKER_LLM__PROVIDERS__CLAUDE__ENABLED", "true", "llm.providers.claude.enabled", True),
        ("SMAKER_LLM__ROUTING__TESTING", "[local]", "llm.routing.testing", ["local"]),
    ],
)
def test_environment(load: Load, name: str, text: str, key: str, value: object) -> None:
    loaded = load(environ={name: text, "SMAKER_HOME": "/x", "SMAKER_SKIP_WEB": "1", "HOME": "/root"})
    assert get_value(loaded.settings, key) == value
    assert loaded.origin[key] == f"environment {name}"
    assert loaded.warnings == ()


def test_an_empty_variable_is_unset_and_a_short_name_yields_to_the_long_one(load: Load) -> None:
    assert load(environ={"SMAKER_MODE": ""}).settings.llm.mode == "offline"
    both = {"SMAKER_MODE": "openai", "SMAKER_LLM__MODE": "local"}
    assert load(environ=both).origin["llm.mode"] == "environment SMAKER_LLM__MODE"


def test_a_variable_that_lacks_an_underscore_is_warned_of(load: Load) -> None:
    (warning,) = load(environ={"SMAKER_LLM_MODE": "local"}).warnings
    assert "SMAKER_LLM__MODE" in str(warning)


def test_a_mode_enables_the_provider_it_names_unless_someone_said_otherwise(load: Load) -> None:
    loaded = load(overrides={"llm.mode": "claude"})
    assert loaded.settings.llm.providers["claude"].enabled
    assert loaded.origin["llm.providers.claude.enabled"] == "flag --mode (llm.mode)"
    said = load("llm: {providers: {claude: {enabled: false}}}", overrides={"llm.mode": "claude"})
    assert not said.settings.llm.providers["claude"].enabled


def test_providers_by_any_name_may_be_added(load: Load) -> None:
    text = (
        "llm: {providers: {groq: {model: groq/llama-3.3-70b, api_key_env: GROQ_API_KEY}}, routing: {testing: [groq]}}"
    )
    loaded = load(text)
    assert list(loaded.settings.llm.providers) == ["openai", "claude", "local", "groq"]
    assert loaded.settings.llm.providers["groq"].enabled


def test_flags_take_typed_values(load: Load) -> None:
    loaded = load(
        overrides={"deploy.target": DeployTarget.COMPOSE, "budget.max_cost_usd": 2, "limits.max_fix_attempts": "3"}
    )
    assert loaded.settings.deploy.target is DeployTarget.COMPOSE
    assert loaded.settings.budget.max_cost_usd == 2
    assert loaded.settings.limits.of_build().max_fix_attempts == 3
    assert isinstance(loaded.settings.budget, Budget)


def test_settings_are_frozen(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().settings.llm.mode = "openai"


def test_rows_name_an_origin_for_every_value_and_mask_credentials(load: Load) -> None:
    password = "Kx7fQ2mW9pLz4vRt8nYc"
    loaded = load(environ={"SMAKER_DATABASE_URL": f"postgresql://app:{password}@db/x"})
    rows = {key: (value, origin) for key, value, origin in loaded.rows()}
    assert set(rows) == set(loaded.origin)
    assert rows["llm.mode"] == ('"offline"', "default")
    assert password not in str(rows)


def test_anchors_and_aliases_may_be_used(load: Load) -> None:
    loaded = load("llm:\n  routing:\n    planning: &order [local, openai]\n    testing: *order\n")
    assert loaded.settings.llm.routing.testing == ("local", "openai")


def test_empty_sections_and_comments_set_nothing(load: Load) -> None:
    assert load("# nothing yet\n").settings == Settings()
    assert load("limits:\n  # max_fix_attempts: 3\nllm:\n").settings == Settings()
    assert load(b"\xef\xbb\xbflimits: {max_fix_attempts: 2}\r\n").settings.limits.max_fix_attempts == 2


def test_a_file_that_the_user_named_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "no.yaml"
    assert load_settings(user_file=missing, environ={}).settings == Settings()
    for arguments in ({"environ": {"SMAKER_CONFIG": str(missing)}}, {"environ": {}, "required": True}):
        with pytest.raises(ConfigError, match=r"there is no file .*no\.yaml"):
            load_settings(user_file=missing, **arguments)


def test_get_value_gives_values_and_sections_and_names_the_nearest_key() -> None:
    settings = Settings()
    assert get_value(settings, "limits.max_fix_attempts") == 5
    assert get_value(settings, "deploy") == {"target": "none"}
    for wrong, near in [
        ("limits.max_fix_attempt", "limits.max_fix_attempts"),
        ("max_tokens", "budget.max_tokens"),
        ("llm.providers.opena.model", "llm.providers.openai"),
        ("llm.mode.x", "holds a value"),
        ("lmits.max_fix_attempts", "nearest valid key: 'limits'"),
    ]:
        with pytest.raises(ConfigError, match=near):
            get_value(settings, wrong)


def test_paths_follow_the_environment(tmp_path: Path) -> None:
    environ = {"SMAKER_CONFIG": str(tmp_path / "c.yaml"), "SMAKER_HOME": str(tmp_path / "home")}
    assert user_config_path(environ) == tmp_path / "c.yaml"
    assert data_home(environ) == tmp_path / "home"
    assert user_config_path({}).name == "config.yaml"
    assert data_home({"SMAKER_HOME": "relative"}).is_absolute()


@pytest.mark.attack("Y84")
def test_a_dot_env_file_of_a_project_is_not_read(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SMAKER_HOME=./stolen\nSMAKER_LLM__MODE=hybrid\n")
    monkeypatch.chdir(tmp_path)
    assert load().settings.llm.mode == "offline"
    assert data_home({"XDG_DATA_HOME": "/d"}) != tmp_path / "stolen"


def test_importing_the_configuration_loads_no_yaml() -> None:
    code = "import sys, smaker.config; assert not {'yaml', 'platformdirs'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
