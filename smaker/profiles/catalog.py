"""Find and load profile folders: those that come with smaker, then the user's own (which win by name)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from smaker.core.errors import ConfigError, NotFound
from smaker.core.profile import Profile
from smaker.core.spec import Entity, Spec


@dataclass(frozen=True)
class LoadedProfile:
    """A profile and the folder it came from. ``foreign`` ones are the user's own."""

    profile: Profile
    root: Path
    foreign: bool = False

    def render(self, part: str, spec: Spec, *, entity: Entity | None = None) -> dict[str, bytes]:
        """Render one part ("template", "blueprint/entity", …) and return path -> bytes, sorted by path.

        A part the profile does not have renders to nothing. Raises ConfigError if a template is broken.
        """
        from smaker.profiles.render import render_folder  # noqa: PLC0415  jinja2 is loaded when first used

        return render_folder(self.root, part, profile=self.profile, spec=spec, entity=entity)


def builtin_root() -> Path:
    """The folder of the profiles that come with smaker: inside the wheel, or beside the package in a checkout."""
    inside = Path(str(resources.files("smaker.profiles"))) / "builtin"
    return inside if inside.is_dir() else Path(str(resources.files("smaker"))).parent / "profiles"


class Catalog:
    """All profiles there are."""

    def __init__(self, user_folder: Path | None = None) -> None:
        self._roots = [(builtin_root(), False)]
        if user_folder is not None:
            self._roots.append((user_folder, True))

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return sorted(self._folders())

    def load(self, name: str) -> LoadedProfile:
        """Load one profile. Raises NotFound with the nearest name, ConfigError if its file is wrong."""
        folders = self._folders()
        if name not in folders:
            near = difflib.get_close_matches(name, folders, n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise NotFound(f"There is no profile {name!r}.", hint=f"{meant}See them with: smaker profiles")
        root, foreign = folders[name]
        file = root / "profile.yaml"
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            profile = Profile.model_validate(content)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}", hint="Mend or remove the file.") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{file}: {key}: {first['msg']}", hint="See: smaker profiles show cli-tool") from error
        if profile.name != name:
            raise ConfigError(f"{file}: name is {profile.name!r}, its folder {name!r}", hint="Make them equal.")
        return LoadedProfile(profile, root, foreign)

    def of(self, spec: Spec) -> LoadedProfile:
        """The profile of a plan, with what the plan itself says of how its product is started and checked."""
        loaded = self.load(spec.profile)
        return replace(loaded, profile=loaded.profile.launched(spec.launch).equipped(spec.toolchain))

    def all(self) -> list[LoadedProfile]:
        """Load every profile."""
        return [self.load(name) for name in self.names()]

    def _folders(self) -> dict[str, tuple[Path, bool]]:
        found: dict[str, tuple[Path, bool]] = {}
        for root, foreign in self._roots:
            if root.is_dir():
                for folder in root.iterdir():
                    if (folder / "profile.yaml").is_file():
                        found[folder.name] = (folder, foreign)
        return found
