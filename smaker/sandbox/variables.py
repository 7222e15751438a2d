"""The environment of a box: built from nothing, plus what the caller names, minus what makes programs run code."""

from __future__ import annotations

from collections.abc import Mapping

BASE: dict[str, str] = {
    "HOME": "/home/maker",
    "USER": "maker",
    "LOGNAME": "maker",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "TMPDIR": "/tmp",  # noqa: S108 -- /tmp of the box
    "XDG_CACHE_HOME": "/tmp/cache",  # noqa: S108
    "RUFF_CACHE_DIR": "/tmp/cache/ruff",  # noqa: S108
    "MYPY_CACHE_DIR": "/tmp/cache/mypy",  # noqa: S108
    "npm_config_cache": "/tmp/cache/npm",  # noqa: S108
    "npm_config_update_notifier": "false",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
}
"""What every box has. HOME and the caches are in memory, so the workspace gets nothing but the command's own work."""

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

_FORBIDDEN = frozenset(
    {
        *("PATH", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "PS4", "IFS", "CDPATH", "GLOBIGNORE"),
        *("PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONPLATLIBDIR", "PYTHONUSERBASE"),
        *("NODE_OPTIONS", "NODE_REPL_EXTERNAL_MODULE", "NODE_EXTRA_CA_CERTS"),
        *("PERL5OPT", "PERL5DB", "PERL5LIB", "PERLLIB", "RUBYOPT", "RUBYLIB"),
        *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "GCONV_PATH", "LOCPATH", "NLSPATH"),
        *("GLIBC_TUNABLES", "SSLKEYLOGFILE", "EDITOR", "VISUAL", "PAGER", "BROWSER"),
    }
)
_FORBIDDEN_PREFIXES = ("LD_", "DYLD_", "GIT_", "BASH_FUNC_", "MALLOC_", "PIP_", "UV_", "NPM_CONFIG_")


def permitted(name: str) -> bool:
    """Whether a caller may set the variable ``name`` in a box."""
    upper = name.upper()
    plain = name.replace("_", "a").isalnum() and name.isascii() and not name[:1].isdigit()
    return plain and upper not in _FORBIDDEN and not upper.startswith(_FORBIDDEN_PREFIXES)


def environment(wanted: Mapping[str, str], path: tuple[str, ...], own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a box: the base, then ``wanted`` by the caller as far as permitted, then our ``own``."""
    chosen = {name: value for name, value in wanted.items() if permitted(name) and "\0" not in value}
    return {**BASE, **chosen, **own, "PATH": ":".join(dict.fromkeys((*path, *SYSTEM_PATH)))}
