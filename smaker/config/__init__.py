"""The configuration: layers of YAML files, environment and flags, each value with its origin.

The user's file is trusted; a project's file comes with a repository and may only narrow what the user allows.
``docs/configuration.md`` describes every setting. YAML is loaded when the first file is read.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smaker.config.edit import check_value, put_back, set_value
    from smaker.config.layers import FLAGS, SHORT_NAMES, Notice
    from smaker.config.live import LiveConfiguration
    from smaker.config.load import Loaded, check_keys, get_value, load_settings
    from smaker.config.paths import PROJECT_FILE, data_home, project_config_path, user_config_path
    from smaker.config.settings import Settings

__all__ = [
    "FLAGS",
    "PROJECT_FILE",
    "SHORT_NAMES",
    "LiveConfiguration",
    "Loaded",
    "Notice",
    "Settings",
    "check_keys",
    "check_value",
    "data_home",
    "get_value",
    "load_settings",
    "project_config_path",
    "put_back",
    "set_value",
    "user_config_path",
]

_MODULES = {
    "FLAGS": "layers",
    "PROJECT_FILE": "paths",
    "SHORT_NAMES": "layers",
    "LiveConfiguration": "live",
    "Loaded": "load",
    "Notice": "layers",
    "Settings": "settings",
    "check_keys": "load",
    "check_value": "edit",
    "data_home": "paths",
    "get_value": "load",
    "load_settings": "load",
    "project_config_path": "paths",
    "put_back": "edit",
    "set_value": "edit",
    "user_config_path": "paths",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: who only wants to know where things are does not pay for reading them."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
