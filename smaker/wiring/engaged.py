"""Workers for builds with other settings than the process was opened with: another mode, or settings changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smaker.wiring.parts import build_browser, build_sandbox

if TYPE_CHECKING:
    from smaker.config import Loaded, Settings
    from smaker.core.worker import Worker
    from smaker.wiring.local import Local
    from smaker.wiring.models import ConfiguredModels


@dataclass(frozen=True)
class Engaged:
    """Who builds, and the models they ask."""

    settings: Settings
    models: ConfiguredModels
    worker: Worker


class Engagements:
    """Makes them as they are needed; each is made once for equal settings."""

    def __init__(self, local: Local, load: Callable[..., Loaded]) -> None:
        self._local = local
        self._load = load
        self._made: list[Engaged] = []

    def of(self, mode: str | None) -> Engaged:
        """For builds of a mode (None: the configured one), as the configuration is now. Blocks for some milliseconds.
        Raises ConfigError."""
        settings = self._load(**({} if mode is None else {"llm__mode": mode})).settings
        local = self._local
        for engaged in (Engaged(local.settings, local.models, local.worker), *self._made):
            if engaged.settings == settings:
                return engaged
        self._made.append(self._make(settings))
        return self._made[-1]

    async def close(self) -> None:
        """Close the connections of models."""
        for engaged in self._made:
            await engaged.models.close()

    def _make(self, settings: Settings) -> Engaged:
        from smaker.core.worker import Worker
        from smaker.wiring.models import ConfiguredModels, known_keys

        local = self._local
        for name, key in known_keys(settings).items():
            local.redactor.add(name, key)
        models = ConfiguredModels(local.home, settings, local.clock, local.redactor)
        sandbox = build_sandbox(settings)
        crew = replace(local.crew, models=models, sandbox=sandbox, browser=build_browser(settings, sandbox))
        return Engaged(settings, models, Worker(local.worker.info, crew))
