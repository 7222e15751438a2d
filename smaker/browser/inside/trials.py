"""Whether a control is dead, asked twice: as the page came, and after everything around it was used."""

from __future__ import annotations

import contextlib

from smaker.browser.inside import forms, values
from smaker.browser.inside.chores import Chore
from smaker.browser.inside.tab import Missing, Tab
from smaker.core.ports.browser import Action, Target

_LATER_MS = 500  # for a click to have its effect
_NEIGHBOURS = 6


async def alive(tab: Tab, click: Action, letters: str, *, fragment: bool = False) -> bool:
    """Whether a click does anything that a visitor, or the app, could notice.

    ``fragment``: the address is not a change, for it is a link into a page that has no such place.
    """
    await tab.evaluate("() => document.activeElement?.blur?.()")  # that the focus goes is no effect
    before = await tab.digest()
    tab.watch.mark()
    await tab.act(click, letters)
    for wait in (0, _LATER_MS):
        await tab.page.wait_for_timeout(wait)
        seen = tab.seen
        if seen.requests or seen.dialogs or seen.downloads or seen.errors or seen.console:
            return True
        after = await tab.digest()
        if (after.partition("|")[2] != before.partition("|")[2]) if fragment else after != before:
            return True
    return False


async def second_chance(tab: Tab, chore: Chore, letters: str) -> bool:
    """Fill in what is there, press what is beside it, and try again: it may need something to work on."""
    page = await tab.look()
    click = chore.actions[-1]
    for field in [*(one for form in page["forms"] for one in form["fields"]), *page["loose"]]:
        text = field["type"] in values.TEXTS or field["type"] == "number"
        if text and values.fillable(field) and not field["value"]:
            fill = Action(kind="fill", target=Target(css=field["css"]), value=values.fitting(field))
            with contextlib.suppress(Missing):
                await tab.act(fill, letters)
    if await alive(tab, click, letters, fragment=bool(chore.link.get("fragment"))):
        return True
    others = [one for one in page["controls"] if not one["submits"] and not one["disabled"] and one["type"] != "reset"]
    path = tab.path
    for other in others[:_NEIGHBOURS]:
        beside = Target(css=other["css"])
        if (click.target and other["css"] == click.target.css) or forms.leaves(other["name"]):
            continue
        with contextlib.suppress(Missing):
            await tab.act(Action(kind="click", target=beside), letters)
            if tab.path != path:
                await tab.act(Action(kind="goto", value=path), letters)
            elif await alive(tab, click, letters, fragment=bool(chore.link.get("fragment"))):
                return True
    return False
