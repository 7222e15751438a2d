"""`smaker models`: the configured language models, whether each can be asked, and what each can do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.llm.check import Checked, Embedding
    from smaker.wiring import Local


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(invoke_without_command=True, help="The language models.", rich_markup_mode=None)
    group.callback()(listing)
    group.command("check")(check)
    app.add_typer(group, name="models")


def listing(context: typer.Context) -> None:
    """The models, whether each is on, and whether its key is set."""
    if context.invoked_subcommand is not None:
        return
    from smaker.cli.columns import table

    session: Session = context.obj
    llm = session.settings().settings.llm
    used = llm.in_use()
    values = [
        {
            "name": name,
            "model": provider.model,
            "embedding_model": provider.embedding_model,
            "enabled": provider.enabled,
            "in_use": name in used,
            "base_url": provider.base_url,
            "key": _key(provider.api_key_env),
        }
        for name, provider in llm.providers.items()
    ]
    rows = [
        (
            "*" if value["in_use"] else "",
            str(value["name"]),
            str(value["model"]),
            "on" if value["enabled"] else "off",
            str(value["key"]),
            str(value["base_url"] or ""),
        )
        for value in values
    ]

    def text() -> str:
        return f"mode {llm.mode}\n" + table(("", "NAME", "MODEL", "STATE", "KEY", "WHERE"), rows)

    session.show({"mode": llm.mode, "providers": values}, text)


def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="One; without it all in use.")] = None,
) -> None:
    """Ask each model in use five small questions, and remember what it can do; try its embeddings, if any are named."""
    session: Session = context.obj

    async def body(local: Local) -> int:
        from smaker.core.errors import SmakerError, UsageError

        names = [name] if name else list(local.settings.llm.in_use())
        if not names:
            raise UsageError(
                "No model is in use: llm.mode is offline.",
                hint="Name one (smaker models check openai), or choose: smaker config set llm.mode openai",
            )
        values: list[dict[str, object]] = []
        for each in names:
            session.say(f"asking {each} …")
            try:
                values.append(_value(each, await local.models.router.check(each)))
            except SmakerError as error:
                values.append({"name": each, "error": {"code": error.code, "message": error.message}})
                session.warn(f"{each}: {error.message}\n  {error.hint}")
        session.show(values, lambda: "\n".join(_lines(value) for value in values))
        return 4 if any("error" in value for value in values) else 0

    raise typer.Exit(session.local(body))


def _key(variable: str | None) -> str:
    if variable is None:
        return "none needed"
    return f"{variable} is set" if os.environ.get(variable) else f"{variable} is missing"


def _value(name: str, checked: Checked) -> dict[str, object]:
    return {
        "name": name,
        "can": {finding.ability: finding.able for finding in checked.findings},
        "why": {finding.ability: finding.why for finding in checked.findings if not finding.able},
        "traits": checked.traits.model_dump(mode="json"),
        "usage": checked.usage.model_dump(mode="json"),
        **({"embedding": _embedding(checked.embedding)} if checked.embedding is not None else {}),
    }


def _embedding(found: Embedding) -> dict[str, object]:
    return {"model": found.model, "dimension": found.dimension, "why": found.why}


def _lines(value: dict[str, object]) -> str:
    able, why = value.get("can"), value.get("why")
    if not isinstance(able, dict) or not isinstance(why, dict):
        return f"{value['name']}: could not be asked"
    lines = [f"{value['name']}:"]
    lines += [f"  {'✓' if can else '✗'} {ability}  {why.get(ability, '')}".rstrip() for ability, can in able.items()]
    embedding = value.get("embedding")
    if isinstance(embedding, dict):
        size = f"{embedding['model']}, {embedding['dimension']} numbers" if embedding["dimension"] else ""
        said = "; ".join(filter(None, (size, embedding["why"])))
        lines.append(f"  {'✗' if embedding['why'] else '✓'} embeddings  {said}")
    return "\n".join(lines)
