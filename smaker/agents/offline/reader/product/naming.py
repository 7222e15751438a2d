"""Names that are safe in the code that will be generated: of the project, its records and their fields."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Sequence

from smaker.agents.offline.reader.language.words import plural, singular, word_set
from smaker.core.spec import ProductKind

_SUFFIX = {
    ProductKind.API: "app",
    ProductKind.WEB: "app",
    ProductKind.CLI: "tool",
    ProductKind.LIBRARY: "kit",
    ProductKind.SITE: "site",
}
# Packages that generated projects import, and names their folders have.
_TAKEN = word_set(
    "fastapi starlette uvicorn sqlmodel sqlalchemy pydantic typer click rich httpx pytest ruff jinja2 "
    "markupsafe anyio idna certifi email_validator multipart argon2 bcrypt itsdangerous platformdirs "
    "shellingham dotenv yaml coverage tests test src app main docs build dist package packages reports "
    "site data node_modules static templates setup pip wheel setuptools attr attrs requests six greenlet "
    "packaging pluggy iniconfig pygments"
)


def slugify(words: Sequence[str], kind: ProductKind) -> str:
    """A short kebab-case name made of ``words`` that is no module of Python or of the libraries used."""
    parts = [part for word in words for part in re.split(r"[^a-z0-9]+", word.lower()) if part]
    slug = re.sub(r"^[^a-z]+", "", "-".join(parts))[:40].strip("-")
    if not slug:
        slug = f"my-{_SUFFIX[kind]}"
    name = slug.replace("-", "_")
    taken = name in sys.stdlib_module_names or name in _TAKEN or keyword.iskeyword(name) or keyword.issoftkeyword(name)
    return f"{slug}-{_SUFFIX[kind]}" if taken else slug


def title_words(title: Sequence[str], entities: Sequence[str], kind: ProductKind) -> list[str]:
    """The words of a project's name: its title, else its records ("book-loans", "expenses")."""
    if title:
        return list(title[:4])
    if not entities:
        return ["site" if kind is ProductKind.SITE else "project"]
    names = [name.split("_") for name in entities]
    last = names[0] if len(names) != 2 else names[1]
    head = [] if len(names) != 2 else names[0]
    return [*head, *last[:-1], plural(last[-1])]


def record_name(name: str) -> str:
    """``name``, or a longer one where it is a word of Python itself ("class")."""
    return f"{name}_record" if keyword.iskeyword(name) else name


def record_plural(name: str) -> str:
    """The plural of a record's name, of its last word: time_entry -> time_entries."""
    parts = name.split("_")
    return "_".join([*parts[:-1], plural(singular(parts[-1]))])


def field_name(name: str) -> str:
    """``name`` in snake_case letters; the profiles see to words that Python or their frameworks have taken."""
    safe = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return re.sub(r"^[^a-z]+", "", safe)[:60] or "value"


def human(name: str) -> str:
    """due_date -> due date; a name made longer to be safe is shown as it was said."""
    return name.removesuffix("_record").replace("_", " ")


def kebab(name: str) -> str:
    """``name`` as a part of an address or an option."""
    return name.strip("_").replace("_", "-")


def article(text: str) -> str:
    """Put "a" or "an" before ``text``."""
    vowel = text[:1].lower() in "aeio" or (
        text[:1] == "u" and not text.startswith(("user", "uni", "use", "url", "usa"))
    )
    return f"{'an' if vowel else 'a'} {text}"


def listing(words: Sequence[str], joint: str = "and") -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}" if words else ""
