"""Stack profiles: folders that say how software of one kind is set up, tested, run, and what its files look like.

A profile folder holds ``profile.yaml`` (a `smaker.core.models.Profile`) and folders of files to render:

- ``template/``: the skeleton, once: a running, tested, linted project that has none of the product's features yet;
- ``blueprint/entity/``: once per entity of the spec; ``blueprint/project/``: once, after all entities;
- ``acceptance/entity/`` and ``acceptance/project/``: the acceptance tests, derived from the spec alone;
- ``paths/entity/`` and ``paths/project/``: for each scenario of the spec, by its name, what a visitor does to go that
  way through the blueprint's pages (YAML, actions as in `smaker.core.ports.browser`);
- ``macros/``: Jinja macros the others import.

A file whose name ends in ``.jinja`` is rendered, any other is copied. Paths are rendered too ("{{ package }}/main.py"),
and a file whose path has an empty segment, or whose rendered text is blank, is left out. A new stack is a new folder.
"""

from smaker.profiles.catalog import Catalog, LoadedProfile

__all__ = ["Catalog", "LoadedProfile"]
