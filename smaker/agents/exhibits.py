"""What a proof bundle shows of the software at work, held against its ledger: the pictures of visits in a browser, and
a deployment's images and health."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from smaker.core.bundle import ARTIFACTS, LEDGER, Bundle, Check, Exhibit, recorded
from smaker.core.models import StepKind
from smaker.core.ports import Deployed
from smaker.core.spec import Frozen

_PNG = (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82")  # how a picture that is whole begins and ends
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_WELL = re.compile(r"^.* GET \S+ → [23]\d\d\b", re.MULTILINE)


class _Image(Frozen):
    service: str
    image: str
    digest: str
    bytes: int


_IMAGES = TypeAdapter(tuple[_Image, ...])


def exhibit_checks(bundle: Bundle, trees: Mapping[str, str]) -> Iterator[Check]:
    """A check of the pictures and one of the deployment, where the bundle has such. ``trees``: tree -> commit, of the
    history."""
    lines = {line["id"]: line for line in map(json.loads, bundle.files[LEDGER].splitlines())}
    visits = [shown for shown in bundle.claims.exhibits if shown.kind is StepKind.BROWSER]
    if visits:
        wrong = [fault for shown in visits for fault in (*_origin(shown, lines, trees), *_pictures(shown, bundle))]
        number = sum(len(shown.files) for shown in visits)
        yield Check(
            name="pictures", ok=not wrong, seen="; ".join(wrong[:3]) or f"{number} of {len(visits)} visits in a browser"
        )
    for shown in bundle.claims.exhibits:
        if shown.kind is StepKind.DEPLOY:
            wrong = [*_origin(shown, lines, trees), *_deployment(shown, bundle)]
            seen = "; ".join(wrong[:3]) or _told(shown, same=lines[shown.step]["tree"] == bundle.claims.about.tree)
            yield Check(name="deployment", ok=not wrong, seen=seen)


def _origin(shown: Exhibit, lines: Mapping[str, Mapping[str, str]], trees: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with where it is said to come from: a step of the ledger, on files of the history."""
    line = lines.get(shown.step)
    if line is None or line["output"] != recorded(shown.output):
        yield f"{shown.title}: the ledger has another result of step {shown.step}"
    elif line["tree"] not in trees:
        yield f"{shown.title}: it was of files that are not in the history"


def _pictures(shown: Exhibit, bundle: Bundle) -> Iterator[str]:
    for name, sha in shown.files.items():
        kind = "screenshot" if name.endswith(".png") else "trace"
        data = bundle.files.get(f"{ARTIFACTS}{kind}/{shown.title}/{name}")
        if data is None or hashlib.sha256(data).hexdigest() != sha:
            yield f"{shown.title}/{name} is not what was taken"
        elif kind == "screenshot" and not (data.startswith(_PNG[0]) and data.endswith(_PNG[1])):
            yield f"{shown.title}/{name} is no whole picture"


def _deployment(shown: Exhibit, bundle: Bundle) -> Iterator[str]:
    try:
        deployed = Deployed.model_validate(shown.output)
    except ValidationError:
        yield "the ledger's result is no deployment"
        return
    if deployed.deployment is None or not deployed.deployment.healthy:
        yield "it did not become healthy"
    texts = {kept.kind: kept.text for kept in deployed.kept}
    for kept in deployed.kept:
        if bundle.files.get(f"{ARTIFACTS}{kept.kind}/{kept.name}") != kept.text.encode():
            yield f"{kept.kind}/{kept.name} is not what was kept"
    if not _WELL.search(texts.get("health", "")):
        yield "its transcript shows no answer"
    if not all(_DIGEST.fullmatch(image.digest) for image in _images(texts)):
        yield "an image has no digest"


def _told(shown: Exhibit, *, same: bool) -> str:
    deployed = Deployed.model_validate(shown.output)
    images = _images({kept.kind: kept.text for kept in deployed.kept})
    built = ", ".join(f"{image.service} {image.digest}" for image in images) or "no image of its own"
    return f"{built}; answered, healthy{'' if same else '; of earlier files'}"


def _images(texts: Mapping[str, str]) -> tuple[_Image, ...]:
    try:
        return _IMAGES.validate_json(texts.get("image", "[]"))
    except ValidationError:
        return (_Image(service="?", image="?", digest="?", bytes=0),)
