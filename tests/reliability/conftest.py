"""Builds that are killed, in processes of their own."""

from __future__ import annotations

import pytest


@pytest.fixture
def unmeasured(isolated: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """No coverage of these processes: a killed one takes with it what it measured, and measuring makes each slower."""
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
