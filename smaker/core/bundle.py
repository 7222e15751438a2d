"""A proof bundle: one file that shows what was built, from which words, and which test proves which requirement.

It is a zip archive that holds the git history, the plan, the proofs, the newest test report, the trace, reports,
screenshots, a deployment's images and health, and what the ledger recorded of every step. ``manifest.json`` comes last:
it names each entry with its sha-256, chained in order, so that its last link, the digest, stands for all of it. The
archive is stored uncompressed in one exact form: a reader writes it again and compares, so no byte of the file can
differ unnoticed. What a digest cannot show is who made the file: compare it with the one that was printed where it was
made.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from smaker.core.errors import UsageError
from smaker.core.models import Proof, Step, StepKind, TestReport
from smaker.core.proof import Trace
from smaker.core.recording import DAMAGE, WHEN
from smaker.core.spec import Frozen, Spec

SUFFIX = ".proof"
MANIFEST = "manifest.json"
REPOSITORY = "repository.bundle"
LEDGER = "ledger.jsonl"
EXHIBITS = "exhibits.json"
ARTIFACTS = "artifacts/"
LARGEST = 1 << 30  # bytes
FIRST = "0" * 64  # before the first link of a chain


class Entry(Frozen):
    """One file of a bundle. ``chain`` is the sha-256 of the link before it, its name and its own sha-256."""

    name: str
    size: int
    sha256: str
    chain: str


class Manifest(Frozen):
    """The entries of a bundle, in order."""

    format: Literal[1] = 1
    entries: tuple[Entry, ...] = ()

    @property
    def digest(self) -> str:
        """The last link of the chain."""
        return self.entries[-1].chain if self.entries else FIRST


class About(Frozen):
    """What a bundle is about."""

    made_by: str  # "smaker 0.1.0"
    name: str
    prompt: str
    head: str  # the commit that is proved
    tree: str  # and its files


class Exhibit(Frozen):
    """What a step showed of the software at work: its result, as the ledger has it. The files are artifacts."""

    step: str
    kind: StepKind
    title: str
    output: dict[str, Any]

    @property
    def files(self) -> Mapping[str, str]:
        """Name -> sha-256 of what a visit in a browser left."""
        return self.output.get("files") or {}


class Claims(Frozen):
    """What a bundle says of the software, to be seen again."""

    about: About
    spec: Spec
    proofs: tuple[Proof, ...]
    report: TestReport
    trace: Trace
    exhibits: tuple[Exhibit, ...] = ()


class Check(Frozen):
    """One thing that was looked at to verify a bundle. ``seen`` is what was found, in a few words."""

    name: str
    ok: bool
    seen: str


class Bundle(Frozen):
    """A bundle that was read, and is whole."""

    digest: str
    claims: Claims
    files: Mapping[str, bytes]


_EXHIBITS = TypeAdapter(tuple[Exhibit, ...])


def entries_of(
    claims: Claims, steps: Iterable[Step], repository: bytes, artifacts: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files of a bundle, in the order of its chain. ``artifacts`` are path -> bytes."""
    return {
        "about.json": _json(claims.about),
        "spec.json": _json(claims.spec),
        "proofs.json": TypeAdapter(tuple[Proof, ...]).dump_json(claims.proofs, indent=1),
        "report.json": _json(claims.report),
        "trace.json": _json(claims.trace),
        EXHIBITS: _EXHIBITS.dump_json(claims.exhibits, indent=1),
        LEDGER: b"".join(line.encode() + b"\n" for line in ledger_lines(steps)),
        **{f"{ARTIFACTS}{path}": data for path, data in sorted(artifacts.items())},
        REPOSITORY: repository,
    }


def recorded(output: Mapping[str, Any] | None) -> str:
    """What the ledger's lines say of a step's result: its sha-256."""
    return hashlib.sha256(json.dumps(output, sort_keys=True).encode()).hexdigest()


def ledger_lines(steps: Iterable[Step]) -> Iterator[str]:
    """What the ledger recorded, a line for each step: what it was given and what came of it by their hashes, each line
    with the hash of all lines before it."""
    link = FIRST
    for step in steps:
        said = {
            "id": step.id,
            "kind": step.kind.value,
            "title": step.title,
            "at": step.started_at.isoformat(),
            "input": step.input_sha,
            "output": recorded(step.output),
            "tree": step.tree,
            "commit": step.commit,
            "model": step.model,
            "usage": step.usage.model_dump(mode="json"),
            "before": link,
        }
        line = json.dumps(said, ensure_ascii=False)
        link = hashlib.sha256(line.encode()).hexdigest()
        yield line


def broken_line(ledger: bytes) -> int | None:
    """The number of the first line whose hash of those before it is wrong; None where all are right."""
    link = FIRST
    for number, line in enumerate(ledger.splitlines(), 1):
        try:
            before = json.loads(line)["before"]
        except (ValueError, KeyError, TypeError):
            return number
        if before != link:
            return number
        link = hashlib.sha256(line).hexdigest()
    return None


def packed(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """The bytes of a bundle, equal ones for equal contents, and its digest."""
    listed: list[Entry] = []
    link = FIRST
    for name, data in files.items():
        own = hashlib.sha256(data).hexdigest()
        link = hashlib.sha256(f"{link}\n{name}\n{own}".encode()).hexdigest()
        listed.append(Entry(name=name, size=len(data), sha256=own, chain=link))
    manifest = Manifest(entries=tuple(listed))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (*files.items(), (MANIFEST, _json(manifest))):
            archive.writestr(zipfile.ZipInfo(name, WHEN), data, zipfile.ZIP_STORED)
    return out.getvalue(), manifest.digest


def unpacked(path: Path) -> Bundle:
    """Read a bundle. Raises UsageError (E_BUNDLE) where the file is none, or a byte of it is not as it was written."""
    try:
        if path.stat().st_size > LARGEST:
            raise _unusable(path, "it is larger than 1 GB")
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        del files[MANIFEST]
        again, digest = packed(files)
        if again != data:
            raise _unusable(path, "it is not as it was written")
        claims = Claims(
            about=About.model_validate_json(files["about.json"]),
            spec=Spec.model_validate_json(files["spec.json"]),
            proofs=TypeAdapter(tuple[Proof, ...]).validate_json(files["proofs.json"]),
            report=TestReport.model_validate_json(files["report.json"]),
            trace=Trace.model_validate_json(files["trace.json"]),
            exhibits=_EXHIBITS.validate_json(files.get(EXHIBITS, b"[]")),
        )
        _ = files[LEDGER], files[REPOSITORY]
    except DAMAGE as error:
        raise _unusable(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    return Bundle(digest=digest, claims=claims, files=files)


def _json(value: Frozen) -> bytes:
    return value.model_dump_json(indent=1).encode()


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} is no proof bundle, or not whole: {why}",
        hint="They are written by: smaker export ID --proof",
        code="E_BUNDLE",
    )
