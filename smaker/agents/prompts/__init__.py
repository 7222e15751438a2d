"""What models are told: one Markdown file a prompt, with named gaps, so that wording is reviewed as text.

``NAME.md`` is a role and its rules: the same for every task of a build, so that a provider's cache holds it.
``NAME_task.md`` is one task of it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, meta

_ENVIRONMENT = Environment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)  # noqa: S701  prose


def names() -> list[str]:
    """The names of all prompts, sorted."""
    folder = resources.files(__name__)
    return sorted(entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md"))


@cache
def source(name: str) -> str:
    """The text of a prompt with its gaps."""
    return (resources.files(__name__) / f"{name}.md").read_text("utf-8")


def gaps(name: str) -> set[str]:
    """The variables a prompt must be given."""
    return meta.find_undeclared_variables(_ENVIRONMENT.parse(source(name)))


def render(name: str, **values: object) -> str:
    """The prompt with its gaps filled. Raises jinja2.UndefinedError if one is missing."""
    return _ENVIRONMENT.from_string(source(name)).render(**values).strip() + "\n"
