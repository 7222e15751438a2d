"""What every acceptance test has: the mark that names the requirements it proves."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*ids): the requirements that a test proves")


@pytest.fixture
def root() -> Path:
    """The project's folder."""
    return ROOT
