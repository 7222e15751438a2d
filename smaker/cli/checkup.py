"""`smaker doctor`: one line per thing a build needs, whether it works here, and how to mend it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaker.cli.session import Session

MARK = {"ok": "✓", "missing": "·", "bad": "✗"}


def examine(session: Session) -> int:
    """Check everything and print it; 0 if nothing is bad."""
    from smaker.wiring import checkup

    def say(text: str) -> None:
        session.warn(text.strip())

    checks = checkup.examine(checkup.Place(session.home, session.settings, session.reader, say))

    def text() -> str:
        lines: list[str] = []
        for check in checks:
            lines.append(f"{MARK[check.state]} {check.name:<14} {check.detail}")
            lines += [f"    {line}" for line in check.remedy.splitlines()]
        return "\n".join(lines)

    session.show([check.model_dump() for check in checks], text)
    return 1 if any(check.state == "bad" for check in checks) else 0


def attack_sandbox(session: Session) -> int:
    """Run the attack table inside the box and print what held; 0 if every attack was blocked."""
    from smaker.cli.columns import table
    from smaker.sandbox.attack import attack
    from smaker.wiring import build_sandbox

    sandbox = build_sandbox(session.settings().settings)
    results = asyncio.run(attack(sandbox))
    blocked = sum(result.blocked for result in results)
    rows = [("blocked" if result.blocked else "OPEN", result.name, result.detail) for result in results]
    summary = f"{blocked} of {len(results)} attacks blocked"
    session.show(
        {
            "blocked": blocked,
            "total": len(results),
            "attacks": [
                {"name": name, "blocked": state == "blocked", "detail": detail} for state, name, detail in rows
            ],
        },
        lambda: f"{table(('', 'ATTACK', 'HOW'), rows)}\n\n{summary}",
    )
    return 0 if blocked == len(results) else 1
