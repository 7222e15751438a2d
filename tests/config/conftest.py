"""A user's file and a project's file in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from smaker.config import Loaded, load_settings
from smaker.core.errors import ConfigError
from smaker.testing import Canaries, assert_safe_failure, fingerprint

Load = Callable[..., Loaded]
Refuse = Callable[..., str]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load texts as configuration: ``load(user, project=…, environ=…, overrides=…)``; no file is changed by that."""

    def run(
        user: str | bytes | None = None,
        project: str | bytes | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, object] | None = None,
    ) -> Loaded:
        files: dict[str, Path] = {"user_file": tmp_path / "config.yaml", "project_file": tmp_path / "smaker.yaml"}
        for file, content in zip(files.values(), (user, project), strict=True):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = fingerprint(tmp_path)
        try:
            return load_settings(**files, environ=environ or {}, overrides=overrides or {})
        finally:
            assert_safe_failure(None, unchanged=before)

    return run


@pytest.fixture
def refuse(load: Load, tmp_path: Path, canaries: Canaries) -> Refuse:
    """Load what must not load, and return the message: one sentence a line, each beginning with "config error"."""

    def run(*args: object, **kwargs: object) -> str:
        with pytest.raises(ConfigError) as caught:
            load(*args, **kwargs)
        assert_safe_failure(caught.value, code="E_CONFIG", exit_code=2, canaries=canaries, places=[tmp_path])
        assert all(line.startswith("config error: ") for line in caught.value.message.splitlines())
        return caught.value.message

    return run
