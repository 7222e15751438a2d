"""What every store promises, whatever it is made of.

SQLite always; Postgres where SMAKER_TEST_POSTGRES names an empty database (postgresql+asyncpg://…).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import Conflict, Fenced, NotFound, StorageError
from smaker.core.events import NewEvent
from smaker.core.models import (
    Answer,
    Artifact,
    Budget,
    Deployment,
    DeployTarget,
    Desired,
    Gate,
    Problem,
    Project,
    ProjectState,
    Proof,
    Stage,
    Step,
    StepKind,
    Task,
    TaskState,
    TestReport,
    TestResult,
    TestSource,
    TestStatus,
    Usage,
    WorkerInfo,
)
from smaker.core.ports import Change, Store
from smaker.core.spec import ProductKind, Requirement, Spec
from smaker.store.lane import PostgresDatabase
from smaker.store.rows import Base
from smaker.store.sql import open_store
from smaker.testing import FrozenClock

POSTGRES = os.environ.get("SMAKER_TEST_POSTGRES")
KINDS = ["sqlite", *(["postgres"] if POSTGRES else [])]
LEASE_S = 30.0


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Store]:
    url = POSTGRES if request.param == "postgres" else None
    opened = await open_store(tmp_path / "smaker-home", clock=clock, url=url)
    if url is not None:
        database = PostgresDatabase(url)
        await database.write(
            lambda connection: [connection.execute(table.delete()) for table in reversed(Base.metadata.sorted_tables)]
        )
        await database.close()
    yield opened
    await opened.close()


def project(clock: FrozenClock, identifier: str = "p1", **given: Any) -> Project:
    return Project(
        id=identifier, prompt="books ☃", workspace="/w", created_at=clock.now(), **{"name": "Books", **given}
    )


def task(identifier: str = "t1", of: str = "p1", **given: Any) -> Task:
    defaults: dict[str, Any] = {"stage": Stage.SPEC, "title": "plan", "agent": "planner", "state": TaskState.READY}
    return Task(id=identifier, project=of, **(defaults | given))


def step(clock: FrozenClock, index: int, attempt: int = 1, **given: Any) -> Step:
    owner = given.pop("task", "t1")
    return Step(
        id=f"{owner}.{index}",
        project=given.pop("project", "p1"),
        task=owner,
        index=index,
        kind=StepKind.COMMAND,
        title=f"step {index}",
        attempt=attempt,
        input_sha="0" * 64,
        started_at=clock.now(),
        **given,
    )


def event(message: str = "hello", **given: Any) -> NewEvent:
    return NewEvent(kind="step.command", message=message, **given)


async def claimed(store: Store, **given: Any) -> Task:
    found = await store.claim("w1", capabilities=(), lease_s=LEASE_S, **given)
    assert found is not None
    return found


# --- projects ---------------------------------------------------------------------------------------------------------


async def test_a_created_build_is_read_back_whole(store: Store, clock: FrozenClock) -> None:
    given = project(
        clock,
        gates=(Gate.PLAN,),
        deploy=DeployTarget.PROCESS,
        budget=Budget(max_cost_usd=1.5),
        spec=Spec(
            name="B",
            slug="b",
            summary="s",
            kind=ProductKind.API,
            profile="p",
            requirements=(Requirement(id="R1", text="x"),),
        ),
    )
    tasks = (task("t10", depends_on=("t2",), payload={"a": [1, None, "é"]}), task("t2"), task("t1", needs=("docker",)))
    events = await store.create(given, Change(tasks=tasks, events=(event("one"), event("two", data={"n": 1}))))
    assert [(made.seq, made.message, made.at, made.project) for made in events] == [
        (1, "one", clock.now(), "p1"),
        (2, "two", clock.now(), "p1"),
    ]
    build = await store.build("p1")
    assert build.project == given
    assert [found.id for found in build.tasks] == ["t1", "t2", "t10"]
    assert build.tasks == (tasks[2], tasks[1], tasks[0])
    assert await store.events("p1") == events
    assert await store.events("p1", after=-1) == events[-1:]
    assert await store.events("p1", after=-9) == events


async def test_an_id_is_taken_once(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change())
    with pytest.raises(Conflict):
        await store.create(project(clock, name="other"), Change(events=(event(),)))
    assert (await store.build("p1")).project.name == "Books"
    assert await store.events("p1") == []


async def test_projects_are_listed_newest_first(store: Store, clock: FrozenClock) -> None:
    for identifier in ("p1", "p2", "p3"):
        await store.create(project(clock, identifier), Change())
        clock.advance(1)
    assert [found.id for found in await store.projects()] == ["p3", "p2", "p1"]


async def test_a_project_that_is_not_there_is_named(store: Store) -> None:
    for call in (
        store.build("nope"),
        store.desired("nope"),
        store.apply("nope", Change()),
        store.emit("nope", [event()]),
        store.delete("nope"),
        store.add_steps("nope", ()),
    ):
        with pytest.raises(NotFound, match="nope"):
            await call
    assert await store.events("nope") == await store.events("nope", after=-1) == []
    assert await store.steps("nope") == []


async def test_a_change_is_applied_whole(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    spec = Spec(name="B", slug="b", summary="s", kind=ProductKind.CLI, profile="cli-tool")
    report = TestReport(tree="t", results=(TestResult(id="a::b", status=TestStatus.PASSED),), coverage=91.5)
    answer = Answer(task="t1", text="yes", at=clock.now())
    proof = Proof(source=TestSource(id="a::b"), red_on="c0ffee")
    deployment = Deployment(target=DeployTarget.PROCESS, url="http://127.0.0.1:1", healthy=True)
    kept = Artifact(
        id="t1-a1", project="p1", task="t1", kind="log", name="l", media_type="text/plain", size=1,
        sha256="0" * 64, created_at=clock.now(),
    )  # fmt: skip
    change = Change(
        state=ProjectState.PLANNING,
        desired=Desired.PAUSE,
        profile="cli-tool",
        name="New",
        spec=spec,
        skeleton="abc",
        proofs=(proof,),
        error=Problem(message="m"),
        deployment=deployment,
        sandbox_level=3,
        tasks=(task("t1", state=TaskState.DONE), task("t2")),
        report=report,
        answers=(answer,),
        artifacts=(kept,),
        events=(event("done"),),
    )
    events = await store.apply("p1", change, revision=0)
    build = await store.build("p1")
    assert build.project == project(
        clock,
        state=ProjectState.PLANNING,
        desired=Desired.PAUSE,
        profile="cli-tool",
        spec=spec,
        skeleton="abc",
        proofs=(proof,),
        error=Problem(message="m"),
        deployment=deployment,
        sandbox_level=3,
        revision=1,
    ).model_copy(update={"name": "New"})
    assert [found.state for found in build.tasks] == [TaskState.DONE, TaskState.READY]
    assert (build.report, build.answers, await store.artifacts("p1")) == (report, (answer,), [kept])
    assert [made.seq for made in events] == [1]
    assert await store.desired("p1") is Desired.PAUSE

    newer = TestReport(tree="u")
    await store.apply("p1", Change(report=newer, clear_error=True, clear_deployment=True, artifacts=(kept,)))
    build = await store.build("p1")
    assert (build.report, build.project.error, build.project.deployment) == (newer, None, None)
    await store.apply("p1", Change(clear_report=True))
    assert (await store.build("p1")).report is None
    assert build.project.revision == 2
    assert await store.artifacts("p1") == [kept]


async def test_of_two_who_decided_on_the_same_revision_one_is_told(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change())
    outcomes = await asyncio.gather(
        *(store.apply("p1", Change(name=f"n{n}", events=(event(),)), revision=0) for n in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
    assert len(await store.events("p1")) == 1


async def test_a_change_that_fails_late_leaves_nothing(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    twice = Change(name="torn", tasks=(task("t7"), task("t7")), events=(event("torn"),))
    with pytest.raises(StorageError):
        await store.apply("p1", twice)
    bystander, failed = await asyncio.gather(
        store.emit("p1", [event("kept")]), store.apply("p1", twice), return_exceptions=True
    )
    assert isinstance(failed, StorageError)
    assert [made.seq for made in bystander] == [1]  # type: ignore[union-attr]
    build = await store.build("p1")
    assert (build.project.name, [found.id for found in build.tasks]) == ("Books", ["t1"])
    assert [made.message for made in await store.events("p1")] == ["kept"]


async def test_a_deleted_project_is_gone_and_its_neighbour_is_not(store: Store, clock: FrozenClock) -> None:
    for identifier in ("p1", "p2"):
        await store.create(project(clock, identifier), Change(tasks=(task(of=identifier),), events=(event(),)))
        await claimed(store, project=identifier)
        await store.begin_step(step(clock, 1, project=identifier))
    await store.delete("p1")
    with pytest.raises(NotFound):
        await store.build("p1")
    assert await store.steps("p1") == []
    assert await store.events("p1") == []
    assert len(await store.steps("p2")) == 1
    assert [made.seq for made in await store.create(project(clock), Change(events=(event(),)))] == [1]


# --- claims and leases ------------------------------------------------------------------------------------------------


async def test_the_oldest_ready_task_is_claimed(store: Store, clock: FrozenClock) -> None:
    waiting = task("t1", state=TaskState.WAITING)
    await store.create(project(clock), Change(tasks=(waiting, task("t2"), task("t3"))))
    before = await store.build("p1")
    first = await claimed(store)
    assert (first.id, first.attempt, first.state, first.worker) == ("t2", 1, TaskState.RUNNING, "w1")
    assert first.started_at == clock.now()
    assert first.lease_until is not None
    after = await store.build("p1")
    assert after.task("t2") == first
    assert after.project.revision > before.project.revision
    assert (await claimed(store)).id == "t3"
    assert await store.claim("w1", capabilities=(), lease_s=LEASE_S) is None


async def test_a_worker_gets_only_what_it_is_capable_of(store: Store, clock: FrozenClock) -> None:
    await store.create(
        project(clock), Change(tasks=(task("t1", needs=("docker", "browser")), task("t2", needs=("docker",))))
    )
    assert await store.claim("w", capabilities=("browser",), lease_s=LEASE_S) is None
    second = await store.claim("w", capabilities=("docker", "x"), lease_s=LEASE_S)
    assert second is not None
    assert second.id == "t2"
    both = await store.claim("w", capabilities=("browser", "docker"), lease_s=LEASE_S)
    assert both is not None
    assert both.id == "t1"


async def test_only_projects_that_should_run_are_worked_on(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock, "p1", desired=Desired.PAUSE), Change(tasks=(task(),)))
    await store.create(project(clock, "p2"), Change(tasks=(task(of="p2"),)))
    assert await store.claim("w", capabilities=(), lease_s=LEASE_S, project="p1") is None
    assert (await claimed(store)).project == "p2"
    await store.apply("p1", Change(desired=Desired.RUN))
    assert (await claimed(store, project="p1")).project == "p1"


async def test_two_workers_never_get_the_same_task(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=tuple(task(f"t{n}") for n in range(1, 41))))

    async def work(name: str) -> list[str]:
        done: list[str] = []
        while (found := await store.claim(name, capabilities=(), lease_s=LEASE_S)) is not None:
            done.append(found.id)
        return done

    shares = await asyncio.gather(*(work(f"w{n}") for n in range(4)))
    everything = [identifier for share in shares for identifier in share]
    assert sorted(everything) == sorted(f"t{n}" for n in range(1, 41))


async def test_a_heartbeat_keeps_a_task_and_tells_what_the_user_wants(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    held = await claimed(store)
    clock.advance(LEASE_S - 1)
    assert await store.heartbeat("p1", "t1", 1, lease_s=LEASE_S) is Desired.RUN
    extended = (await store.build("p1")).task("t1")
    assert extended.lease_until is not None
    assert held.lease_until is not None
    assert extended.lease_until > held.lease_until
    clock.advance(LEASE_S - 1)
    assert await store.claim("w2", capabilities=(), lease_s=LEASE_S) is None
    await store.apply("p1", Change(desired=Desired.CANCEL))
    assert await store.heartbeat("p1", "t1", 1, lease_s=LEASE_S) is Desired.CANCEL
    for attempt in (0, 2):
        with pytest.raises(Fenced):
            await store.heartbeat("p1", "t1", attempt, lease_s=LEASE_S)
    with pytest.raises(Fenced):
        await store.heartbeat("p1", "t9", 1, lease_s=LEASE_S)


async def test_a_task_whose_lease_ran_out_is_taken_over_and_its_old_holder_fenced(
    store: Store, clock: FrozenClock
) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    first = await store.claim("w1", capabilities=(), lease_s=0.2)
    assert first is not None
    clock.advance(0.3)
    await asyncio.sleep(0.3)  # Postgres goes by its own clock
    second = await claimed(store)
    assert (second.id, second.attempt, second.started_at) == ("t1", 2, first.started_at)
    done = Change(tasks=(task(state=TaskState.DONE),), events=(event("late"),))
    for call in (
        store.apply("p1", done, fence=("t1", 1)),
        store.heartbeat("p1", "t1", 1, lease_s=LEASE_S),
        store.begin_step(step(clock, 1)),
        store.finish_step(step(clock, 1, finished_at=clock.now()), [event("late")]),
    ):
        with pytest.raises(Fenced):
            await call
    await store.release("p1", "t1", 1)
    assert (await store.build("p1")).task("t1").state is TaskState.RUNNING
    assert await store.events("p1") == []
    await store.apply("p1", done, fence=("t1", 2))
    ended = (await store.build("p1")).task("t1")
    assert (ended.state, ended.attempt, ended.lease_until) == (TaskState.DONE, 2, None)
    with pytest.raises(Fenced):
        await store.apply("p1", done, fence=("t1", 2))


@pytest.mark.parametrize("jump", [86_400.0, -3_600.0, 3_600.0, 1.0, -1.0], ids=str)
async def test_a_clock_that_is_set_ends_no_lease_and_reorders_nothing(
    store: Store, clock: FrozenClock, jump: float
) -> None:
    await store.create(project(clock), Change(tasks=(task(),), events=(event("before"),)))
    await claimed(store)
    clock.jump(jump)
    assert await store.claim("w2", capabilities=(), lease_s=LEASE_S) is None
    await store.emit("p1", [event("after")])
    assert [(made.seq, made.message) for made in await store.events("p1")] == [(1, "before"), (2, "after")]
    assert await store.heartbeat("p1", "t1", 1, lease_s=LEASE_S) is Desired.RUN


async def test_a_released_task_is_ready_again_with_its_ledger(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    await claimed(store)
    await store.begin_step(step(clock, 1))
    await store.release("p1", "t1", 1)
    back = (await store.build("p1")).task("t1")
    assert (back.state, back.attempt, back.worker, back.lease_until) == (TaskState.READY, 1, None, None)
    with pytest.raises(Fenced):
        await store.finish_step(step(clock, 1, finished_at=clock.now()))
    assert (await claimed(store)).attempt == 2
    assert [found.id for found in await store.steps("p1")] == ["t1.1"]
    await store.release("p9", "t1", 1)


async def test_a_change_leaves_ownership_alone(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    held = await claimed(store)
    await store.apply("p1", Change(tasks=(task(title="renamed", state=TaskState.RUNNING),)))
    found = (await store.build("p1")).task("t1")
    assert (found.title, found.attempt, found.worker, found.lease_until) == (
        "renamed", 1, "w1", held.lease_until,
    )  # fmt: skip
    await store.apply("p1", Change(tasks=(task(state=TaskState.BLOCKED, attempt=7),)))
    found = (await store.build("p1")).task("t1")
    assert (found.state, found.attempt, found.worker, found.lease_until) == (TaskState.BLOCKED, 1, None, None)


# --- events -----------------------------------------------------------------------------------------------------------


async def test_fifty_producers_leave_no_gap(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock, "p1"), Change())
    await store.create(project(clock, "p2"), Change())

    async def produce(name: int) -> list[int]:
        seqs: list[int] = []
        for count in range(20):
            made = await store.emit("p1" if count % 2 else "p2", [event(f"{name}:{count}")] * (1 + count % 3))
            seqs.extend(found.seq for found in made)
        return seqs

    told = await asyncio.gather(*(produce(name) for name in range(50)))
    assert all(len(seqs) == len(told[0]) for seqs in told)
    for identifier in ("p1", "p2"):
        stored = await store.events(identifier, limit=5000)
        assert [made.seq for made in stored] == list(range(1, len(stored) + 1))
        for name in range(50):  # each producer's own come in its order
            own = [int(made.message.partition(":")[2]) for made in stored if made.message.startswith(f"{name}:")]
            assert own == sorted(own)


async def test_events_are_read_in_pages(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change())
    await store.emit("p1", [event(str(n)) for n in range(600)])
    assert await store.emit("p1", []) == []
    assert [made.seq for made in await store.events("p1", after=595)] == [596, 597, 598, 599, 600]
    assert [made.seq for made in await store.events("p1", after=10, limit=3)] == [11, 12, 13]
    assert await store.events("p1", after=600) == []


async def test_an_event_keeps_every_character(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change())
    odd = event(
        "nul \0 snow ☃ 😀 \\ud83d", data={"path": "caf\udce9.txt", "n\udcff": None, "x": [1.5, {"y": "\ufffd"}]}
    )
    (made,) = await store.emit("p1", [odd])
    assert await store.events("p1") == [made]
    assert made.data == odd.data


# --- the ledger -------------------------------------------------------------------------------------------------------


async def test_steps_come_back_in_order_with_their_results(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task("t10"), task("t9"))))
    for identifier in ("t10", "t9"):
        await claimed(store)
        for index in (2, 1):
            await store.begin_step(step(clock, index, task=identifier))
    result = step(
        clock, 1, task="t9", output={"exit": 0}, tree="abc", changes={"a": "100644:" + "0" * 64, "b": None},
        usage=Usage(tokens_in=1, cost_usd=0.5, calls=1), finished_at=clock.now(),
    )  # fmt: skip
    assert [made.seq for made in await store.finish_step(result, [event("done")])] == [1]
    found = await store.steps("p1")
    assert [entry.id for entry in found] == ["t9.1", "t9.2", "t10.1", "t10.2"]
    assert found[0] == result
    assert found[1] == step(clock, 2, task="t9")
    assert [entry.id for entry in await store.steps("p1", "t10")] == ["t10.1", "t10.2"]


async def test_a_second_result_is_ignored_with_its_events(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    await claimed(store)
    await store.begin_step(step(clock, 1))
    first = step(clock, 1, output={"n": 1}, finished_at=clock.now())
    second = step(clock, 1, output={"n": 2}, finished_at=clock.now())
    one, two = await asyncio.gather(store.finish_step(first, [event("1")]), store.finish_step(second, [event("2")]))
    assert (len(one), two) == (1, [])
    assert await store.finish_step(second, [event("3")]) == []
    assert [entry.output for entry in await store.steps("p1")] == [{"n": 1}]
    assert [made.message for made in await store.events("p1")] == ["1"]


async def test_a_step_begun_again_by_a_later_attempt_is_that_attempts(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    await claimed(store)
    await store.begin_step(step(clock, 1))
    await store.release("p1", "t1", 1)
    await claimed(store)
    await store.begin_step(step(clock, 1, attempt=2))
    (entry,) = await store.steps("p1")
    assert (entry.attempt, entry.finished_at) == (2, None)
    done = step(clock, 1, attempt=2, finished_at=clock.now())
    await store.finish_step(done)
    await store.begin_step(step(clock, 1, attempt=2))
    assert await store.steps("p1") == [done]


async def test_what_an_ended_task_had_in_flight_is_recorded(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task(),)))
    await claimed(store)
    await store.begin_step(step(clock, 1))
    await store.apply("p1", Change(tasks=(task(state=TaskState.CANCELLED),)))
    await store.finish_step(step(clock, 1, finished_at=clock.now(), usage=Usage(cost_usd=1.0)))
    assert (await store.steps("p1"))[0].usage.cost_usd == 1.0


async def test_a_fork_gets_the_ledger_of_the_tasks_it_keeps(store: Store, clock: FrozenClock) -> None:
    await store.create(project(clock), Change(tasks=(task("t1"), task("t2"))))
    for identifier in ("t1", "t2"):
        await claimed(store)
        await store.begin_step(step(clock, 1, task=identifier))
        await store.finish_step(step(clock, 1, task=identifier, finished_at=clock.now()))
    await store.begin_step(step(clock, 2, task="t1"))
    await store.create(project(clock, "p2"), Change())
    await store.add_steps("p2", await store.steps("p1", "t1"))
    copied = await store.steps("p2")
    assert [(entry.id, entry.project, entry.finished_at is None) for entry in copied] == [
        ("t1.1", "p2", False),
        ("t1.2", "p2", True),
    ]
    await store.delete("p1")
    assert await store.steps("p2") == copied


# --- blobs and workers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 32 << 10, (32 << 10) + 1, 1 << 20])
async def test_a_blob_is_its_bytes(store: Store, size: int) -> None:
    data = os.urandom(size)
    name = await store.put_blob(data)
    assert await store.put_blob(data) == name
    assert await store.get_blob(name) == data


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
async def test_a_blob_that_is_not_there_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotFound):
        await store.get_blob(name)


async def test_many_blobs_at_once(store: Store) -> None:
    contents = [f"blob {n % 50}".encode() for n in range(200)]
    names = await asyncio.gather(*(store.put_blob(data) for data in contents))
    assert len(set(names)) == 50
    assert [await store.get_blob(name) for name in names[:50]] == contents[:50]


async def test_workers_are_known_by_their_newest_word(store: Store, clock: FrozenClock) -> None:
    one = WorkerInfo(id="w1", host="h", pid=1, capabilities=("docker",), seen_at=clock.now())
    two = WorkerInfo(id="w2", host="h", pid=2, capabilities=())
    await store.save_worker(two)
    await store.save_worker(one.model_copy(update={"pid": 9}))
    await store.save_worker(one)
    assert await store.workers() == [one, two]
