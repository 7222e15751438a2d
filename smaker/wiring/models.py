"""The configured models: made when a build first asks one, so that what asks none loads no client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.errors import ConfigError
from smaker.core.ports import Role
from smaker.core.secrets import Redactor
from smaker.wiring.parts import cache_folder

if TYPE_CHECKING:
    from smaker.config import Settings
    from smaker.core.ports import Clock, Embedder, LanguageModel
    from smaker.llm.router import Router


class ConfiguredModels:
    """Implements `smaker.core.ports.Models` by a router that is made when it is first needed."""

    def __init__(self, home: Path, settings: Settings, clock: Clock, redactor: Redactor) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._redactor = redactor
        self._router: Router | None = None

    def for_role(self, role: Role, turn: int = 0) -> LanguageModel:
        """Who answers for a role, or the ``turn``-th after it. Raises ConfigError."""
        return self.router.for_role(role, turn)

    def named(self, name: str) -> LanguageModel:
        """One provider by its name, or "provider/model". Raises ConfigError."""
        return self.router.named(name)

    def embedder(self, provider: str | None = None) -> Embedder | None:
        """The first that a provider in use offers, or this one; None if there is none. Raises ConfigError."""
        names = any(configured.embedding_model for configured in self._settings.llm.providers.values())
        return self.router.embedder(provider) if names else None

    def ready(self) -> None:
        """Raise ConfigError if no model that may be asked has the key it needs: better now than within a build."""
        llm = self._settings.llm
        missing: list[str] = []
        for name in llm.in_use():
            provider = llm.providers.get(name)
            variable = provider.api_key_env if provider is not None else None
            if variable is None or os.environ.get(variable):
                self.router.for_role(Role.PLANNING)
                return
            missing.append(variable)
        raise ConfigError(
            f"No model can be asked: {', '.join(missing)} not set." if missing else "No model is switched on.",
            hint="Set a key, or use a model of this machine: smaker models shows what is configured.",
        )

    async def close(self) -> None:
        """Close connections, if there are any."""
        if self._router is not None:
            await self._router.close()

    @property
    def router(self) -> Router:
        """The router itself."""
        if self._router is None:
            from smaker.llm.router import Router

            self._router = Router(
                self._settings.llm,
                os.environ,
                self._clock,
                self._redactor,
                measured=self._home / "models.json",
                vectors=cache_folder(self._home) / "vectors.db",
            )
        return self._router


def known_keys(settings: Settings) -> dict[str, str]:
    """The keys of all configured providers that are set, by provider: what must never be shown, stored or sent on."""
    found: dict[str, str] = {}
    for name, provider in settings.llm.providers.items():
        value = os.environ.get(provider.api_key_env or "", "")
        if value:
            found[name] = value
    return found
