"""Verbs for what leaves smaker: the software, the record of its build, and the proof that it does what it should."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smaker.cli.building import Id
from smaker.core.errors import BuildFailed, NotFound, UsageError

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.wiring import Local


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("export")(export)
    app.command("verify")(verify)


def export(
    context: typer.Context,
    project: Id,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write it.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the build's record, for smaker replay FILE.")] = False,
    proof: Annotated[
        bool, typer.Option("--proof", help="Write what proves the software, for smaker verify FILE.")
    ] = False,
) -> None:
    """Write the software as a zip archive, the record of its build, or the proof that it does what it should."""
    from smaker.core import bundle, recording

    session: Session = context.obj
    if record and proof:
        raise UsageError("--record and --proof are two files.", hint="Write them one after the other.")
    identifier = session.find(project)
    spec = session.reader().build(identifier).project.spec
    suffix = recording.SUFFIX if record else bundle.SUFFIX if proof else ".zip"
    target = (file or Path(f"{spec.slug if spec else identifier}{suffix}")).absolute()
    if target.exists():
        raise UsageError(f"{target} exists.", hint="Name another file.")
    if not target.parent.is_dir():
        raise NotFound(f"There is no folder {target.parent}.", hint="Make it, or name another file.")

    async def body(local: Local) -> None:
        value: dict[str, Any] = {"id": identifier, "file": str(target)}
        if proof:
            value["digest"] = await local.export_proof(identifier, target)
        else:
            await (local.export_record(identifier, target) if record else local.control.export(identifier, target))
        value["size"] = target.stat().st_size
        told = f"\ndigest {value['digest']}" if proof else ""
        session.show(value, f"{target}  {value['size']:,} bytes{told}")

    session.local(body)


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What smaker export --proof wrote.")],
    digest: Annotated[
        str | None, typer.Option(metavar="SHA256", help="What was printed where the file was made.")
    ] = None,
) -> None:
    """See again what a proof bundle claims: from a clean clone of its history, its tests pass now and failed before."""
    from smaker.cli.columns import table
    from smaker.core.bundle import unpacked

    session: Session = context.obj
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", hint="They are written by: smaker export ID --proof")
    bundle = unpacked(file)
    if digest is not None and bundle.digest != digest.strip().lower():
        raise BuildFailed(
            f"{file} is not the bundle with that digest: it has {bundle.digest}.",
            hint="Ask for the digest where the file was made, or for the file again.",
            code="E_BUNDLE",
        )

    async def body(local: Local) -> int:
        checks = await local.verify(bundle, session.say)
        holds = all(check.ok for check in checks)
        about = bundle.claims.about
        value = {
            "file": str(file),
            "holds": holds,
            "digest": bundle.digest,
            "name": about.name,
            "head": about.head,
            "checks": [check.model_dump() for check in checks],
        }
        rows = [("ok" if check.ok else "WRONG", check.name, check.seen) for check in checks]
        verdict = "all of it holds" if holds else "it does NOT hold"
        session.show(
            value, lambda: f"{table(('', 'CHECK', 'SEEN'), rows)}\n\n{about.name}: {verdict}; digest {bundle.digest}"
        )
        return 0 if holds else 1

    raise typer.Exit(session.local(body))
