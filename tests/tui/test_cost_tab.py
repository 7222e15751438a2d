"""The Cost tab: a recorded build by a model with what it cost, its bounds, and more budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.widgets import Input, Static

from smaker.core.models import Budget, Desired, Problem, Step
from smaker.core.ports import Change
from smaker.core.recording import read
from smaker.tui.screens.budget import BudgetForm

RECORD = Path(__file__).resolve().parents[1] / "recordings" / "minimist.smaker"


def priced(step: Step) -> Step:
    """The step as if its tokens had been bought."""
    usage = step.usage
    cost = 2e-6 * usage.tokens_in + 8e-6 * usage.tokens_out
    return step.model_copy(update={"usage": usage.model_copy(update={"cost_usd": cost})})


async def recorded(desk: Any, tmp_path: Path, budget: Budget) -> str:
    """A project that a model built elsewhere, stopped by its budget."""
    recording, blobs = read(RECORD)
    project = recording.project.model_copy(update={"workspace": str(tmp_path / "files"), "budget": budget})
    store = desk.local.store
    await store.create(project, Change(tasks=recording.tasks))
    await store.add_steps(project.id, [priced(step) for step in recording.steps])
    for data in blobs.values():
        await store.put_blob(data)
    problem = Problem(message="The budget is spent.", code="E_BUDGET")
    await store.apply(project.id, Change(desired=Desired.PAUSE, error=problem))
    return project.id


def shown(tab: Any, part: str) -> str:
    return str(tab.query_one(f"#cost-{part}", Static).render())


async def test_a_build_by_a_model(desk: Any, go: Any, tmp_path: Path, screen_is: Any) -> None:
    spent = sum(priced(step).usage.cost_usd for step in read(RECORD)[0].steps)
    project = await recorded(desk, tmp_path, Budget(max_cost_usd=spent / 0.9, max_tokens=20_000))
    async with desk.shown() as pilot:
        tab = await go(pilot, "cost")
        await desk.until(pilot, lambda: "calls" in shown(tab, "sum"))
        money, tokens = shown(tab, "budget").splitlines()
        assert money.startswith("! ██████████████████░░  90%") and "nearly spent" in money
        assert tokens.startswith("✗ ████████████████████") and tokens.endswith("spent")
        assert shown(tab, "parts").startswith("by stage ")
        screen_is(pilot, tab, "cost")
        await pilot.press("g")
        assert shown(tab, "parts").splitlines()[1].startswith("tester ")
        await pilot.press("g")
        assert shown(tab, "parts").startswith("by model ")
        await pilot.press("b")
        await desk.until(pilot, lambda: isinstance(pilot.app.screen, BudgetForm))
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, BudgetForm)
        assert (await desk.snapshot(project)).project.desired is Desired.PAUSE


async def test_more_budget_is_checked_and_lets_the_build_go_on(desk: Any, go: Any) -> None:
    project = await desk.project()
    await desk.local.store.apply(project, Change(desired=Desired.PAUSE))
    driven: list[str] = []
    desk.services.builder.start = lambda name, failed: driven.append(name)
    async with desk.shown((80, 24)) as pilot:
        await go(pilot, "cost")
        await pilot.press("b")
        await desk.until(pilot, lambda: isinstance(pilot.app.screen, BudgetForm))
        form = pilot.app.screen
        form.query_one("#max_tokens", Input).value = "lots"
        form.query_one("#max_cost_usd", Input).value = "-1"
        await pilot.pause()
        assert str(form.query_one("#said-max_tokens", Static).render()) == "✗ must be a number"
        assert str(form.query_one("#said-max_cost_usd", Static).render()) == "✗ must be greater than or equal to 0"
        await pilot.press("enter")
        assert pilot.app.screen is form, "nothing is taken while a field is wrong"
        form.query_one("#max_tokens", Input).value = "2.5M"
        form.query_one("#max_cost_usd", Input).value = "7,5" + "00.25"
        await pilot.press("down", "up", "enter")
        await desk.until(pilot, lambda: driven)
        budget = (await desk.snapshot(project)).project.budget
        assert (budget.max_cost_usd, budget.max_tokens) == (7500.25, 2_500_000)
        assert (await desk.snapshot(project)).project.desired is Desired.RUN


async def test_an_offline_build_costs_nothing(desk: Any, go: Any) -> None:
    await desk.project()
    async with desk.shown() as pilot:
        tab = await go(pilot, "cost")
        await desk.until(pilot, lambda: "nothing was spent" in shown(tab, "sum"))
