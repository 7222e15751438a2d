"""Change one setting in a YAML file and leave every other character as it is: comments, order, quotes, line ends.

The new text is parsed again before it is written: it must say exactly what the old one said but for that key, and be a
valid configuration.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from smaker.config import schema
from smaker.config.document import Document, Node, parse, read_text, resolve
from smaker.config.layers import typed
from smaker.config.load import load_settings
from smaker.config.schema import Key
from smaker.config.settings import Settings
from smaker.core.errors import ConfigError
from smaker.core.secrets import scan

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")


def set_value(file: Path, key: str, text: str) -> None:
    """Set ``key`` in ``file`` to what ``text`` says, as YAML or as a plain word; the file is made if it is not there.
    A provider that ``file`` does not have yet can be set whole: its keys as a mapping.

    Raises ConfigError, and then the file is untouched: an unknown key, a value it cannot have, a credential, a file
    that is read-only or not valid, or one whose layout cannot be changed safely.
    """
    file = file.resolve()  # a link into a folder of dot-files stays a link
    _write(file, _edited(file, key, text))


def check_value(file: Path, key: str, text: str) -> None:
    """Raise the ConfigError that `set_value` would; nothing is written to ``file`` or its folder."""
    file = file.resolve()
    edited = _edited(file, key, text)
    with tempfile.TemporaryDirectory(prefix="smaker-config-") as folder:
        tried = Path(folder) / file.name
        tried.write_bytes(edited.encode())
        _load(tried, file)


def put_back(file: Path, before: bytes | None, after: bytes) -> None:
    """Undo a `set_value` that made ``after`` of ``before`` (None: of no file). Raises ConfigError if the file was
    changed since: those changes are not to be lost."""
    file = file.resolve()
    try:
        if file.read_bytes() != after:
            raise ConfigError(f"{file} was changed since by someone else.", hint="Edit it by hand.")
        if before is None:
            file.unlink()
            return
    except OSError as error:
        raise ConfigError(f"config error: cannot change {file}: {error.strerror}") from error
    _write(file, before.decode())


def _edited(file: Path, key: str, text: str) -> str:
    """The text of the file with ``key`` set. Raises ConfigError."""
    path = tuple(key.split("."))
    try:
        document = parse(str(file), read_text(file, follow_links=True))
    except FileNotFoundError:
        document = Document(str(file), "", None)
    if path[-1] == "api_key" or any(not hit.obvious_example for hit in scan(text)):
        raise _no_keys()
    whole = schema.is_entry(path)
    if not whole and (wrong := schema.not_a_setting(path, Settings())):
        raise ConfigError(f"config error: {wrong}")
    value = typed(path, text, key)
    if whole:
        _check_entry(document, path, key, value)
    edited = _edit(document, path, value)
    expected = _with(document.root.plain() if document.root else None, path, value)
    if _plain(edited) != expected:
        raise ConfigError(
            f"config error: {file}: {key} cannot be set without changing something else", hint="Edit the file by hand"
        )
    return edited


def _no_keys() -> ConfigError:
    return ConfigError(
        "config error: keys are never stored in YAML",
        hint="Put it in an environment variable and name that in llm.providers.<name>.api_key_env",
    )


def _check_entry(document: Document, path: Key, key: str, value: Any) -> None:
    """Raise ConfigError unless ``value`` is an entry that can be written whole: what is there may have comments."""
    there = document.root.plain() if document.root is not None else None
    for part in path:
        there = there.get(part) if isinstance(there, dict) else None
    if there is not None:
        raise ConfigError(f"config error: {key} is there already", hint="Change its keys one by one")
    if not isinstance(value, dict):
        raise ConfigError(f"config error: {key} must hold keys, as in '{{model: NAME}}'")
    if "api_key" in value:
        raise _no_keys()


def _plain(text: str) -> Any:
    """What an edited text says; None if it is not even YAML any more."""
    try:
        root = parse("edited", text).root
    except ConfigError:
        return None
    return None if root is None else root.plain()


def _edit(document: Document, path: Key, value: Any) -> str:
    """The text with ``path`` set to ``value``."""
    text, newline = document.text, "\r\n" if "\r\n" in document.text else "\n"
    node, depth, key = document.root, 0, None
    while node is not None and node.kind == "mapping" and depth < len(path) and path[depth] in node.entries:
        key, node = node.entries[path[depth]]
        depth += 1
    missing = path[depth:]
    if node is None or (key is None and node.kind != "mapping"):  # the file holds nothing yet
        gap = "" if not text or text.endswith("\n") else newline
        return f"{text}{gap}{_block(missing, value, '', newline)}{newline}"
    if not missing or node.kind != "mapping":
        return _replace(text, key, node, _flow(missing, value))
    if not node.entries:
        return f"{text[: node.start + 1]}{_flow(missing, value)[1:-1]}{text[node.start + 1 :]}"
    last = node.last_end() if not node.flow else max(child.last_end() for _, child in node.entries.values())
    if node.flow:
        return f"{text[:last]}, {_flow(missing, value)[1:-1]}{text[last:]}"
    indent = " " * (min(entry.column for entry, _ in node.entries.values()) - 1)
    line_end = text.find("\n", last - 1 if text[last - 1 : last] == "\n" else last)
    if line_end < 0:
        return f"{text}{newline}{_block(missing, value, indent, newline)}{newline}"
    return f"{text[: line_end + 1]}{_block(missing, value, indent, newline)}{newline}{text[line_end + 1 :]}"


def _replace(text: str, key: Node | None, node: Node, written: str) -> str:
    """The text with a value replaced, whatever its layout was."""
    if key is None:
        return text
    colon = text.index(":", key.end)
    if node.flow and node.end > node.start:
        return f"{text[: node.start]}{written}{text[node.end :]}"
    if node.flow:  # nothing after the colon
        return f"{text[: colon + 1]} {written}{text[colon + 1 :]}"
    end = node.last_end()
    while end > colon and text[end - 1] in "\r\n":
        end -= 1
    return f"{text[: colon + 1]} {written}{text[end:]}"


def _flow(path: Key, value: Any) -> str:
    """``{path: value}`` on one line."""
    if path:
        return f"{{{_scalar(path[0])}: {_flow(path[1:], value)}}}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow((), item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow((), item) for item in value) + "]"
    return _scalar(value)


def _block(path: Key, value: Any, indent: str, newline: str) -> str:
    """``path`` as lines, each level two columns further in."""
    lines = [f"{indent}{'  ' * depth}{_scalar(part)}:" for depth, part in enumerate(path)]
    return f"{newline.join(lines)} {_flow((), value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and resolve(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)  # JSON's scalars are YAML's


def _with(data: Any, path: Key, value: Any) -> Any:
    """Plain data with ``path`` set."""
    if not path:
        return value
    data = data if isinstance(data, dict) else {}
    return {**data, path[0]: _with(data.get(path[0]), path[1:], value)}


def _load(tried: Path, file: Path) -> None:
    """Raise ConfigError, in words about ``file``, unless ``tried`` is a configuration."""
    try:
        load_settings(user_file=tried, environ={})
    except ConfigError as error:
        raise ConfigError(error.message.replace(str(tried), str(file)), hint=error.hint) from error


def _write(file: Path, text: str) -> None:
    """Replace the file in one step, once its new text has loaded as a configuration."""
    mode = 0o600
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(file.stat().st_mode)
        if not mode & stat.S_IWUSR:
            raise ConfigError(f"config error: {file} is read-only", hint=f"Allow it with: chmod u+w {file}")
    temporary: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        _load(temporary, file)
        temporary.chmod(mode)
        temporary.replace(file)
    except OSError as error:
        raise ConfigError(f"config error: cannot write {file}: {error.strerror}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
