"""The configuration: layers of YAML files, environment and flags, each value with its origin.

The user's file is trusted; a project's file comes with a repository and may only narrow what the user allows.
``docs/configuration.md`` describes every setting. YAML is loaded when the first file is read.
"""

from smaker.config.edit import set_value
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
    "data_home",
    "get_value",
    "load_settings",
    "project_config_path",
    "set_value",
    "user_config_path",
]
