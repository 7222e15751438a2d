"""Where prompts and keys may go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smaker.config import Loaded, check_keys
from smaker.core.errors import ConfigError

Load = Callable[..., Loaded]
Refuse = Callable[..., str]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://gateway.example.org:8443/openai/v1/",
        "http://localhost:11434/v1",
        "http://127.0.0.1:8000",
        "http://[::1]:8000/v1",
        "http://local-llm:8000/v1",
        "http://192.168.1.20:8000/v1",
        "http://10.0.0.7/v1",
        "http://gpu.lan:8000/v1",
        "http://ollama.svc.cluster.local/v1",
        "http://[fd12:3456::1]/v1",
        "https://93.184.216.34/v1",
    ],
)
def test_a_model_may_be_reached_at(load: Load, url: str) -> None:
    loaded = load(f"llm: {{providers: {{local: {{base_url: '{url}'}}}}}}")
    assert loaded.settings.llm.providers["local"].base_url == url


@pytest.mark.attack("Y83")
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://x/",
        "ftp://models/v1",
        "javascript:alert(1)",
        "localhost:11434",
        "//localhost/v1",
        "",
        "http://",
        "https:///v1",
        "http://api.example.org/v1",  # no TLS across the internet
        "http://93.184.216.34/v1",
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/",
        "http://169.254.1.1/",
        "http://metadata.google.internal/computeMetadata/v1",
        "https://metadata/v1",
        "http://169.254.169.254.nip.io/",
        "http://169-254-169-254.sslip.io/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "https://[::ffff:93.184.216.34]/",
        "https://[64:ff9b::5db8:d822]/",
        "https://[2002:5db8:d822::1]/",
        "http://[::]/",
        "http://[::1/",
        "http://[zz]/",
        "http://2130706433/",  # decimal
        "http://2852039166/",
        "http://0x7f000001/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://0177.0.0.1/",  # octal
        "http://127.1/",
        "http://127.0.0.1.:80/",
        "http://0.0.0.0:8000/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "https://user:pw@api.openai.com/v1",
        "https://api.openai.com@evil.example/v1",
        "https://@evil.example/",
        "https://api.openai.com./v1",
        "https://api..openai.com/v1",
        "https://api.openai.com/v1?key=x",
        "https://api.openai.com/v1#x",
        "https://api.openai.com/v1?",
        "https://api.openai.com:0/",
        "https://api.openai.com:/",
        "https://api.openai.com:99999/",
        "https://api.openai.com\\@evil.example/",
        "https://api.openai.com/ v1",
        "https://аpi.openai.com/v1",  # a Cyrillic letter  # noqa: RUF001
        "https://api%2eopenai.com/v1",
        "https://-x.example/",
        f"https://{'a' * 64}.example/",
        f"https://x.example/{'a' * 600}",
    ],
)
def test_a_model_may_not_be_reached_at(refuse: Refuse, url: str) -> None:
    escaped = url.replace("\\", "\\\\")
    message = refuse(f'llm: {{providers: {{local: {{base_url: "{escaped}"}}}}}}')
    assert "1:37: llm.providers.local.base_url" in message
    assert "pw@" not in message


def providers(**settings: str) -> str:
    name = settings.pop("name")
    return f"llm: {{providers: {{{name}: {{model: m, {', '.join(f'{k}: {v!r}' for k, v in settings.items())}}}}}}}"


@pytest.mark.attack("Y82")
@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "USER", "SHELL", "LD_PRELOAD", "openai", "", "A B", "OPENAI_API_KEY\n"]
)
def test_a_variable_that_cannot_hold_a_key_is_refused(refuse: Refuse, name: str) -> None:
    message = refuse(
        f"llm: {{providers: {{openai: {{api_key_env: {name!r}}}}}}}".replace(
            "'OPENAI_API_KEY\\n'", '"OPENAI_API_KEY\\n"'
        )
    )
    assert "llm.providers.openai.api_key_env must name an environment variable that holds an API key" in message


@pytest.mark.attack("Y82")
@pytest.mark.parametrize(
    "name",
    ["GITHUB_TOKEN", "AWS_SESSION_TOKEN", "NPM_TOKEN", "SMAKER_API_KEY", "STRIPE_SECRET_KEY", "SECRET_KEY", "CI_TOKEN"],
)
def test_a_key_of_something_else_is_never_sent_to_a_model(refuse: Refuse, name: str) -> None:
    assert "not the key of a model provider" in refuse(providers(name="local", api_key_env=name))


@pytest.mark.attack("Y82")
@pytest.mark.parametrize(
    "settings",
    [
        {"name": "local", "api_key_env": "OPENAI_API_KEY", "base_url": "https://evil.example/v1"},
        {"name": "local", "api_key_env": "OPENAI_API_KEY", "base_url": "https://api.openai.com.evil.example/v1"},
        {"name": "local", "api_key_env": "OPENAI_API_KEY", "base_url": "https://evilopenai.com/v1"},
        {"name": "local", "api_key_env": "ANTHROPIC_API_KEY", "base_url": "http://gpu-box:8000/v1"},
        {"name": "openai", "api_key_env": "ANTHROPIC_API_KEY", "base_url": "https://api.openai.com/v1"},
        {"name": "claude", "api_key_env": "OPENAI_API_KEY"},
        {"name": "mine", "api_key_env": "GROQ_API_KEY"},
    ],
)
def test_a_known_key_goes_to_its_own_provider_only(refuse: Refuse, settings: dict[str, str]) -> None:
    name = settings["name"]
    message = refuse(providers(**settings))
    assert f"llm.providers.{name}.api_key_env: {settings['api_key_env']} is the key of" in message
    assert ":1:" in message


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "openai", "api_key_env": "OPENAI_API_KEY", "base_url": "https://gateway.example.org/v1"},
        {"name": "openai", "api_key_env": "OPENAI_API_KEY", "base_url": "http://127.0.0.1:4000/v1"},
        {"name": "openai-small", "api_key_env": "OPENAI_API_KEY", "base_url": "https://eu.api.openai.com/v1"},
        {"name": "anthropic", "api_key_env": "ANTHROPIC_API_KEY"},
        {"name": "groq", "api_key_env": "GROQ_API_KEY"},
        {"name": "vllm", "api_key_env": "VLLM_API_KEY", "base_url": "http://gpu-box:8000/v1"},
        {"name": "hf", "api_key_env": "HF_TOKEN", "base_url": "https://router.example.org/v1"},
    ],
)
def test_a_key_may_go_where_the_user_points_its_provider(load: Load, settings: dict[str, str]) -> None:
    assert load(providers(**settings)).settings.llm.providers[settings["name"]].api_key_env == settings["api_key_env"]


@pytest.mark.attack("P102")
@pytest.mark.parametrize("name", ["openai", "claude", "groq"])
def test_a_cloud_provider_is_not_reached_without_tls(refuse: Refuse, name: str) -> None:
    message = refuse(providers(name=name, api_key_env="SOME_KEY", base_url="http://gateway:8080/v1"))
    assert f"llm.providers.{name}.base_url: must use https://" in message


def test_offline_needs_no_key(load: Load) -> None:
    check_keys(load(), {})


def test_a_mode_needs_the_key_of_its_provider(load: Load) -> None:
    loaded = load("llm:\n  mode: openai\n  providers:\n    openai:\n      api_key_env: MY_KEY\n")
    check_keys(loaded, {"MY_KEY": "x"})
    for environ in ({}, {"MY_KEY": ""}, {"OPENAI_API_KEY": "x"}):
        with pytest.raises(ConfigError) as caught:
            check_keys(loaded, environ)
        assert "config.yaml:5: llm.providers.openai.api_key_env names MY_KEY, which is not set" in caught.value.message
        assert "config.yaml:2" in caught.value.message
        assert caught.value.hint == "export MY_KEY=…"
        assert caught.value.exit_code == 2


def test_hybrid_needs_the_keys_of_enabled_providers_only(load: Load) -> None:
    loaded = load("llm: {mode: hybrid}")
    check_keys(loaded, {"OPENAI_API_KEY": "x"})
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        check_keys(loaded, {"ANTHROPIC_API_KEY": "x"})
    check_keys(load("llm: {mode: hybrid, providers: {openai: {enabled: false}}}"), {})


def test_a_mode_whose_provider_is_switched_off_says_so(load: Load) -> None:
    loaded = load("llm:\n  mode: local\n  providers: {local: {enabled: false}}\n")
    with pytest.raises(ConfigError, match=r"config\.yaml:3: llm\.providers\.local\.enabled is false.*config\.yaml:2"):
        check_keys(loaded, {})
    none = load("llm: {mode: hybrid, providers: {local: {enabled: false}, openai: {enabled: false}}}")
    with pytest.raises(ConfigError, match="no provider is enabled"):
        check_keys(none, {})


def test_a_provider_without_a_key_variable_needs_none(load: Load) -> None:
    check_keys(load("llm: {mode: local}"), {})


def test_there_are_no_embeddings_in_the_anthropic_protocol(refuse: Refuse) -> None:
    message = refuse("llm:\n  providers:\n    claude:\n      embedding_model: voyage-3\n")
    assert "config.yaml:4" in message
    assert "llm.providers.claude.embedding_model: the Anthropic protocol has no embeddings" in message
    assert "set it on another provider" in message
