"""A configuration that can be read again while smaker runs: a file that no longer loads changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from smaker.config.load import Loaded
from smaker.core.errors import ConfigError


class LiveConfiguration:
    """The last settings that loaded.

    ``load`` is called at once (and may raise ConfigError), and again by `reload`.
    """

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self._load = load
        self.loaded = load()

    def reload(self) -> ConfigError | None:
        """Read everything again. If it does not load, the old settings stay in force and the error is returned."""
        try:
            loaded = self._load()
            if gone := [file for file in self.loaded.files if file not in loaded.files]:
                return ConfigError(
                    f"config error: {gone[0]} is gone; the settings read from it stay in force",
                    hint="Put the file back, or start smaker again without it",
                )
            self.loaded = loaded
        except ConfigError as error:
            return error
        return None
