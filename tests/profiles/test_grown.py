"""A further step builds again all that its plan makes different: what it leaves alone is as it would be built now."""

from __future__ import annotations

import pytest

from smaker.agents.offline.reader import read_prompt
from smaker.agents.offline.reader.extend import extend_spec
from smaker.core.revision import changed_modules
from smaker.profiles import Catalog

PRODUCTS = {
    "cli-tool": "a command line tool to track books (title, year)",
    "fastapi-service": "a REST API to track books (title, year)",
    "web-app": "a web app to track books (title, year)",
    "python-library": "a Python library that keeps books (title, year)",
}
STEPS = (
    "also keep reviews for each book",
    "also keep loans (book, borrower, due date)",
    "also keep publishers (name, city)",
    "a title is unique",
    "at most 3 books per title",
    "add a price to books",
    "search books by title",
    "export CSV",
    "books can be archived",
    "books have tags",
    "people sign up and log in",
)
PAIRS = [(name, step) for name in PRODUCTS for step in STEPS if (name, step) != ("python-library", STEPS[-1])]
CATALOG = Catalog()
SUPPORTED = {loaded.profile.name: loaded.profile.operations for loaded in CATALOG.all()}


@pytest.mark.parametrize("second", ["", " and members (name, email)"])
@pytest.mark.parametrize(("profile", "step"), PAIRS)
def test_what_a_step_leaves_alone_is_as_it_would_be_built_now(profile: str, step: str, second: str) -> None:
    before = read_prompt(PRODUCTS[profile] + second, profile=profile, supported=SUPPORTED)
    after = extend_spec(before, step, supported=SUPPORTED)
    loaded = CATALOG.of(after)
    again = changed_modules(before, after)
    assert again
    for module in after.modules:
        if module not in again:
            assert module.entity is not None
            entity, was = after.entity(module.entity), before.entity(module.entity)
            now = loaded.render("blueprint/entity", after, entity=entity)
            assert now == loaded.render("blueprint/entity", before, entity=was), module.name
