"""Where smaker keeps things: the user's configuration, the data folder, and a project's configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PROJECT_FILE = "smaker.yaml"
"""The configuration file at the top of a project's workspace."""


def user_config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's configuration file, which need not exist: ``SMAKER_CONFIG``, or in the platform's config folder."""
    if named := environ.get("SMAKER_CONFIG"):
        return Path(named).expanduser().absolute()
    import platformdirs  # noqa: PLC0415  not needed where the path is given

    return platformdirs.user_config_path("smaker", appauthor=False) / "config.yaml"


def data_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of databases, workspaces and caches, which need not exist: ``SMAKER_HOME``, or the platform's."""
    if named := environ.get("SMAKER_HOME"):
        return Path(named).expanduser().absolute()
    import platformdirs  # noqa: PLC0415  not needed where the path is given

    return platformdirs.user_data_path("smaker", appauthor=False)


def project_config_path(workspace: Path) -> Path:
    """The configuration file of a project, which need not exist."""
    return workspace / PROJECT_FILE
