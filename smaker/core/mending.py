"""What follows findings: rounds of fixing, until there are none, nothing gets better any more, or a limit is reached.

Fewer findings, or more tests that pass, than after any round before is progress. After three rounds without, the next
one goes back to the best files there were, takes one cause alone, and asks another model where a role has several. If
three more bring nothing, the build has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from smaker.core.counting import counted
from smaker.core.draft import Draft
from smaker.core.models import Dispute, Finding, Outcome, Problem, Severity, Stage, Task, TestStatus

UNSEEN = {("run", "start")}
"""Findings (source, signature) that come from no test, though a test could show them."""

DISPUTED = "disputed"
"""Where a task that visits finds the paths that a fixer disputes."""

HELD = "held"
"""Where a task that tries the software keeps the tree of the files that it found well; and a fixer's, the tree of the
last time that what now found something did not."""

UNTRIED = "not tried"
"""The signature of what is found where nothing could be tried: this machine lacks what that needs."""

PATIENCE = 3
"""Rounds without progress before something else is tried."""


@dataclass(frozen=True)
class _State:
    """How the software was before a round of fixing."""

    findings: Sequence[JsonValue]
    found: int  # findings, of which a round may be given only some
    passed: int  # tests
    tree: str
    turn: int = 0

    @classmethod
    def before(cls, fix: Task) -> _State:
        payload = fix.payload
        findings = cast("list[JsonValue]", payload.get("findings", []))
        numbers = {key: cast("int", payload.get(key, 0)) for key in ("found", "passed", "turn")}
        return cls(findings, tree=str(payload.get("tree", "")), **numbers)


def mend(draft: Draft, task: Task, outcome: Outcome) -> None:
    """Add a round of fixing and the next run after a task that found something, or give the build up."""
    errors = [finding for finding in outcome.findings if finding.severity is Severity.ERROR]
    if task.payload.get("by_hand"):
        draft.give_up(
            Problem(message=outcome.summary, hint=f"Mend it with: smaker restart {task.project} --from {task.stage}")
        )
        return
    rounds: list[_State] = []
    for earlier in draft.build.tasks:
        if earlier.stage is Stage.SPEC:
            rounds = []
        elif earlier.stage is Stage.FIX:
            rounds.append(_State.before(earlier))
    report = outcome.report
    now = _State(
        findings=[finding.model_dump(mode="json") for finding in errors],
        found=len(errors),
        passed=report.count(TestStatus.PASSED) if report else 0,
        tree=report.tree if report else "",
        turn=rounds[-1].turn if rounds else 0,
    )
    first = errors[0].message if errors else outcome.summary
    best, stuck = _progress([*rounds, now])
    if len(rounds) >= draft.build.project.limits.max_fix_attempts:
        _give_up(draft, f"Still {counted(len(errors), 'finding')} after {counted(len(rounds), 'fix attempt')}: {first}")
    elif stuck and now.turn:
        _give_up(draft, f"No progress in {2 * PATIENCE} fix attempts, the last ones begun anew: {first}")
    elif stuck:
        _add_round(draft, task, now, number=len(rounds) + 1, anew=best)
    else:
        _add_round(draft, task, now, number=len(rounds) + 1)


def _progress(states: Sequence[_State]) -> tuple[_State, bool]:
    """The best state so far, and whether the last rounds brought none that is better."""
    best = 0
    for number, state in enumerate(states):
        before = states[:number]
        if all(state.found < other.found or state.passed > other.passed for other in before):
            best = number
    since = max(best, next(number for number, state in enumerate(states) if state.turn == states[-1].turn))
    return states[best], len(states) - 1 - since >= PATIENCE


def _add_round(draft: Draft, task: Task, now: _State, *, number: int, anew: _State | None = None) -> None:
    """``anew``: begin again from that state, with one cause of what was found then."""
    given = now.findings
    payload: dict[str, JsonValue] = {"round": number, "found": now.found, "passed": now.passed, "tree": now.tree}
    if anew is not None:
        given = _one_cause(anew.findings)
        payload |= {"back_to": anew.tree} if anew.tree and anew.tree != now.tree else {}
    if turn := now.turn + (anew is not None):
        payload["turn"] = turn
    payload["findings"] = [*given]
    if held := held_by(draft.build.tasks, task.stage):
        payload[HELD] = held
    fix = draft.add(
        Stage.FIX,
        f"Fix {counted(len(given), 'finding')}" + (", begun anew" if anew else ""),
        after=(task.id,),
        requirements=tuple(sorted({identifier for finding in _parsed(given) for identifier in finding.requirements})),
        payload=payload,
    )
    again = draft.add(
        Stage.RUN, "Run the tests", after=(fix.id,), payload=task.payload if task.stage is Stage.RUN else {}
    )
    followers = [entry for entry in _followers(draft, task) if entry.id != fix.id]
    last = again
    if task.stage is not Stage.RUN:
        same = {key: value for key, value in task.payload.items() if key != DISPUTED}
        last = draft.add(task.stage, task.title, after=(again.id,), payload=same)
    _follow(draft, followers, task, last)


def hold(draft: Draft, task: Task, outcome: Outcome) -> None:
    """Note on which files a task found nothing wrong, if it could try them."""
    report = outcome.report or draft.build.report
    if report is not None and not any(finding.signature == UNTRIED for finding in outcome.findings):
        draft.put(draft.tasks[task.id], payload={**task.payload, HELD: report.tree})


def held_by(tasks: Sequence[Task], stage: Stage) -> str:
    """The tree of the files that a stage last found well; "" if it never did."""
    held = (str(task.payload.get(HELD, "")) for task in reversed(tasks) if task.stage is stage)
    return next(filter(None, held), "")


def _give_up(draft: Draft, message: str) -> None:
    hint = "Look at them with `smaker logs`, mend the files, then: smaker restart --from run"
    draft.give_up(Problem(message=message, hint=hint, code="E_BUILD_FAILED"))


def _one_cause(findings: Sequence[JsonValue]) -> Sequence[JsonValue]:
    """Those of the first cause, which the runner puts first."""
    parsed = _parsed(findings)
    return [entry for entry, finding in zip(findings, parsed, strict=True) if finding.signature == parsed[0].signature]


def judge(draft: Draft, fix: Task, outcome: Outcome) -> None:
    """Have what a fixer disputes judged, if anything: tests by the tester, before they run again; paths by whoever
    takes them next, each once."""
    tests: list[JsonValue] = [entry.model_dump(mode="json") for entry in outcome.disputes if entry.test]
    if tests:
        followers = _followers(draft, fix)
        judging = draft.add(Stage.TESTS, "Judge disputed tests", after=(fix.id,), payload={"disputes": tests})
        _follow(draft, followers, fix, judging)
    web = next((task for task in draft.tasks.values() if task.stage is Stage.WEB and not task.state.ended), None)
    if web is None:
        return
    judged = {entry.path for task in _of_this_plan(draft) for entry in disputed_paths(task)}
    paths: list[JsonValue] = [
        entry.model_dump(mode="json") for entry in outcome.disputes if entry.path and entry.path not in judged
    ]
    if paths:
        draft.put(web, payload={**web.payload, DISPUTED: paths})


def disputed_paths(task: Task) -> tuple[Dispute, ...]:
    """The paths a visit is to judge."""
    listed = task.payload.get(DISPUTED)
    return tuple(Dispute.model_validate(entry) for entry in listed) if isinstance(listed, list) else ()


def _of_this_plan(draft: Draft) -> list[Task]:
    """The tasks since the last plan."""
    tasks = [*draft.build.tasks]
    plans = [number for number, task in enumerate(tasks) if task.stage is Stage.SPEC]
    return tasks[plans[-1] :] if plans else tasks


def doubt(draft: Draft, review: Task, outcome: Outcome) -> None:
    """Have the tester turn a reviewer's doubts into tests, and run them: what fails then is mended as anything is."""
    followers = _followers(draft, review)
    doubts: list[JsonValue] = [finding.model_dump(mode="json") for finding in outcome.findings]
    tests = draft.add(Stage.TESTS, "Test what the review doubts", after=(review.id,), payload={"doubts": doubts})
    _follow(draft, followers, review, draft.add(Stage.RUN, "Run the tests", after=(tests.id,)))


def remember(draft: Draft, fix: Task, commit: str | None) -> None:
    """Have the tester write a test of what no test had seen, so that it does not come back: one that fails on the
    files as they were before the fix, which ``commit`` holds."""
    unseen = [entry for entry in findings_of(fix) if entry.test is None and (entry.source, entry.signature) in UNSEEN]
    before = [task for task in draft.build.tasks if task.id != fix.id and task.commit and task.finished_at]
    if not unseen or not before or commit is None or draft.build.project.mode == "offline":
        return
    last = max(before, key=lambda task: task.finished_at or draft.at)
    followers = _followers(draft, fix)
    payload: dict[str, JsonValue] = {
        "mended": [entry.model_dump(mode="json") for entry in unseen],
        "red_after": last.id,
    }
    tests = draft.add(Stage.TESTS, "Test what was mended", after=(fix.id,), payload=payload)
    _follow(draft, followers, fix, tests)


def _followers(draft: Draft, task: Task) -> list[Task]:
    return [entry for entry in draft.tasks.values() if task.id in entry.depends_on]


def _follow(draft: Draft, followers: Sequence[Task], old: Task, new: Task) -> None:
    """Have tasks that waited for one wait for another."""
    for entry in followers:
        draft.put(entry, depends_on=tuple(new.id if name == old.id else name for name in entry.depends_on))


def findings_of(task: Task) -> tuple[Finding, ...]:
    """The findings a fix task was made for."""
    listed = task.payload.get("findings")
    return _parsed(listed) if isinstance(listed, list) else ()


def _parsed(findings: Sequence[JsonValue]) -> tuple[Finding, ...]:
    return tuple(Finding.model_validate(entry) for entry in findings)
