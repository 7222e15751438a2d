"""The documentation names every setting with its default, every variable and every flag."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smaker.config import FLAGS, SHORT_NAMES, Loaded, Settings, load_settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture
def defaults() -> Loaded:
    return load_settings(user_file=None, environ={})


def rows() -> dict[str, str]:
    """Key -> default of every table row."""
    found: dict[str, str] = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and not cells[0].startswith("`SMAKER_"):
            found[cells[0].strip("`")] = cells[1].strip("`")
    return found


def test_every_setting_is_documented_with_its_default_and_no_other_is(defaults: Loaded) -> None:
    assert rows() == {key: value for key, value, _ in defaults.rows()}


def test_every_short_variable_and_flag_is_documented() -> None:
    text = DOCUMENT.read_text()
    for variable, key in SHORT_NAMES.items():
        flag = f"`{FLAGS[key]}`" if key in FLAGS else ""
        assert f"| `{variable}` | `{key}` | {flag}".strip() in text
    assert set(FLAGS) <= set(SHORT_NAMES.values())


def test_the_example_loads(tmp_path: Path) -> None:
    example = DOCUMENT.read_text().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "example.yaml").write_text(example)
    loaded = load_settings(user_file=tmp_path / "example.yaml", environ={})
    assert json.loads(Settings().model_dump_json(exclude={"llm": {"mode"}})) == json.loads(
        loaded.settings.model_dump_json(exclude={"llm": {"mode"}})
    )


def test_the_errors_shown_are_the_errors_given(tmp_path: Path) -> None:
    shown = DOCUMENT.read_text().split("```text\n")[1].split("```")[0]
    file = tmp_path / "config.yaml"
    file.write_text("# five\nlimits:\n  max_fix_attempts: five\n\n\n\nlimts: {}\n")
    with pytest.raises(Exception, match="config error") as caught:
        load_settings(user_file=file, environ={})
    given = caught.value.message.replace(str(file), "/home/ada/.config/smaker/config.yaml")
    assert sorted(given.splitlines()) == sorted(shown.splitlines())
