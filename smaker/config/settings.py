"""The settings and their defaults, as frozen models. ``docs/configuration.md`` describes every one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from smaker.config.endpoints import check_base_url, check_key_name
from smaker.core.models import Budget, BuildLimits, DeployTarget
from smaker.core.spec import Frozen

Mode = Literal["offline", "openai", "claude", "local", "hybrid"]
Strategy = Literal["fallback", "round_robin", "weighted", "ensemble"]
ANTHROPIC = frozenset({"claude", "anthropic"})
"""Providers, by name, that are asked in the Anthropic protocol; it has no embeddings."""


def _shaped(pattern: str, what: str) -> AfterValidator:
    """A validator that says in words what a text must look like."""
    shape = re.compile(pattern)

    def check(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise ValueError(f"must be {what}")
        return text

    return AfterValidator(check)


ProviderName = Annotated[
    str, _shaped(r"[a-z][a-z0-9_-]{0,39}", "a provider's name: lower-case letters, digits, _ and -")
]
ModelName = Annotated[str, _shaped(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}", "a model's name, without blanks")]
KeyName = Annotated[str, AfterValidator(check_key_name)]
BaseUrl = Annotated[str, AfterValidator(check_base_url)]
HostName = Annotated[str, _shaped(r"[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}", "a host name or an address")]
DatabaseUrl = Annotated[
    str, _shaped(r"(?:sqlite|postgresql)(?:\+[a-z0-9]+)?://\S{1,1000}", "a URL that begins with sqlite or postgresql")
]
RedisUrl = Annotated[str, _shaped(r"(?:rediss?|unix)://\S{1,1000}", "a URL that begins with redis:// or rediss://")]


class Provider(Frozen):
    """One place that answers model calls. ``api_key_env`` names the variable with its key; the key is nowhere else.
    With an ``embedding_model`` it also turns texts into vectors, by which files are found."""

    enabled: bool = True
    model: ModelName
    embedding_model: ModelName | None = None
    api_key_env: KeyName | None = None
    base_url: BaseUrl | None = None


Providers = Annotated[tuple[ProviderName, ...], Field(min_length=1, max_length=20)]


class Ordered(Frozen):
    """Try providers in order, or take turns."""

    strategy: Literal["fallback", "round_robin"]
    providers: Providers


class Weighted(Frozen):
    """Choose by weight: {claude: 3, openai: 1} asks claude three times in four."""

    strategy: Literal["weighted"]
    providers: Annotated[dict[ProviderName, Annotated[int, Field(ge=1, le=1000)]], Field(min_length=1, max_length=20)]


class Ensemble(Frozen):
    """Let several propose; then one provider reconciles, or the tests pick."""

    strategy: Literal["ensemble"]
    propose: Providers
    reconcile: ProviderName | None = None
    pick: Literal["tests"] | None = None

    @model_validator(mode="after")
    def _one_judge(self) -> Ensemble:
        if (self.reconcile is None) == (self.pick is None):
            raise ValueError("an ensemble needs either 'reconcile: <provider>' or 'pick: tests'")
        return self


def _route_kind(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "list"
    strategy = value.get("strategy") if isinstance(value, dict) else getattr(value, "strategy", "list")
    return "ordered" if strategy in {"fallback", "round_robin"} else str(strategy)


Route = Annotated[
    Annotated[Providers, Tag("list")]
    | Annotated[Ordered, Tag("ordered")]
    | Annotated[Weighted, Tag("weighted")]
    | Annotated[Ensemble, Tag("ensemble")],
    Discriminator(
        _route_kind,
        custom_error_type="route",
        custom_error_message="must list providers, or name a strategy: fallback, round_robin, weighted, ensemble",
    ),
]
"""Providers in order, used by ``llm.strategy``; or a strategy of the role's own."""


def named(route: Route | None) -> tuple[str, ...]:
    """The providers that a route names; none where it names none and every one is meant."""
    if isinstance(route, Ensemble):
        return (*route.propose, *filter(None, [route.reconcile]))
    if isinstance(route, Ordered | Weighted):
        return tuple(route.providers)
    return route or ()


class Routing(Frozen):
    """Which providers serve which role; None is every enabled provider, by ``llm.strategy``."""

    planning: Route | None = ("openai", "claude")
    code_generation: Route | None = ("local", "openai")
    testing: Route | None = ("openai",)
    fixing: Route | None = Weighted(strategy="weighted", providers={"claude": 3, "openai": 1})
    review: Route | None = Ensemble(strategy="ensemble", propose=("openai", "claude"), reconcile="openai")


def _default_providers() -> dict[str, Provider]:
    return {
        "openai": Provider(model="gpt-4.1", api_key_env="OPENAI_API_KEY"),
        "claude": Provider(model="claude-sonnet-4-5", api_key_env="ANTHROPIC_API_KEY", enabled=False),
        "local": Provider(model="qwen2.5-coder", base_url="http://localhost:11434/v1"),
    }


class Llm(Frozen):
    """Which models are asked, and how."""

    mode: Mode = "offline"
    providers: dict[ProviderName, Provider] = Field(default_factory=_default_providers)
    routing: Routing = Routing()
    strategy: Strategy = "fallback"
    review: bool = False

    def in_use(self) -> tuple[str, ...]:
        """The providers that a build in this mode may ask, by name: none offline, every enabled one in hybrid."""
        if self.mode == "offline":
            return ()
        if self.mode == "hybrid":
            return tuple(name for name, provider in self.providers.items() if provider.enabled)
        return (self.mode,)


class Limits(BuildLimits):
    """Bounds on loops, commands and parallel work."""

    max_parallel_projects: int = Field(default=4, ge=1, le=64)

    def of_build(self) -> BuildLimits:
        """The part that is kept with a project."""
        return BuildLimits(**self.model_dump(exclude={"max_parallel_projects"}))


class BudgetDefaults(Budget):
    """What a project and each of its tasks may spend, unless it is created with other bounds; None is no bound."""

    max_cost_usd: float | None = Field(default=5.0, ge=0, le=100_000, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, ge=0, le=100_000_000_000)
    max_minutes: float | None = Field(default=None, gt=0, le=525_600, allow_inf_nan=False)
    max_task_cost_usd: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False)
    max_task_tokens: int | None = Field(default=None, ge=0, le=100_000_000_000)
    max_task_minutes: float | None = Field(default=None, gt=0, le=525_600, allow_inf_nan=False)


class SandboxSettings(Frozen):
    """How commands of generated projects are confined. ``image`` is for containers, ``network`` what the
    installation step may reach."""

    kind: Literal["auto", "bwrap", "docker", "process"] = "auto"
    image: str | None = Field(default=None, pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]*$", max_length=255)
    network: Literal["none", "registries"] = "registries"
    memory_mb: int = Field(default=4096, ge=64, le=1_048_576)
    processes: int = Field(default=512, ge=16, le=65_536)


class DeploySettings(Frozen):
    """Where finished builds go unless ``--deploy`` says otherwise."""

    target: DeployTarget = DeployTarget.NONE


class BrowserSettings(Frozen):
    """The browser that tries finished software with pages. ``executable`` is a Chromium in an unusual place."""

    enabled: bool = True
    executable: Path | None = None


class ServerSettings(Frozen):
    """Team mode: where ``smaker serve`` listens and keeps its truth."""

    host: HostName = "127.0.0.1"
    port: int = Field(default=8765, ge=1, le=65_535)
    database_url: DatabaseUrl | None = None
    redis_url: RedisUrl | None = None


class TuiSettings(Frozen):
    """The terminal app. ``notify``: how it calls when a build is done, has failed or asks."""

    theme: Literal["dark", "light"] = "dark"
    notify: Literal["none", "bell", "desktop"] = "bell"


class Settings(Frozen):
    """Everything that can be set."""

    llm: Llm = Llm()
    limits: Limits = Limits()
    budget: BudgetDefaults = BudgetDefaults()
    sandbox: SandboxSettings = SandboxSettings()
    deploy: DeploySettings = DeploySettings()
    browser: BrowserSettings = BrowserSettings()
    server: ServerSettings = ServerSettings()
    tui: TuiSettings = TuiSettings()
