"""A plan that its user edits, built by rules: no requirement stands over something else than its words say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from smaker.agents.offline.planner import OfflinePlanner
from smaker.agents.offline.reader import extend_spec, read_prompt, reword
from smaker.config.spec_file import SPEC_FILE, dump_spec, load_spec
from smaker.core.errors import Refused
from smaker.core.models import Outcome, Project, Stage, Task
from smaker.core.revision import EDITED, EDITED_FROM
from smaker.core.spec import OperationKind, Requirement, Spec
from smaker.profiles import Catalog

PROMPT = (
    "a command line tool to track beehives (name, weight from 1 to 90) and inspections (beehive, date); "
    "at most 3 inspections per beehive; search beehives; filter inspections by date"
)
CATALOG = Catalog()
SUPPORTED = {loaded.profile.name: loaded.profile.operations for loaded in CATALOG.all()}
SPEC = read_prompt(PROMPT, supported=SUPPORTED)
(LIMIT,) = SPEC.operations(OperationKind.LIMIT)
OWN_WORDS = LIMIT.model_copy(update={"text": "Three inspections of a beehive are enough."})


@dataclass
class Standing:
    """What a planner needs of its context, without a folder."""

    spec: Spec
    payload: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project(
            id="p", name="P", prompt=PROMPT, workspace="/w", created_at=datetime(2026, 1, 1, tzinfo=UTC), spec=self.spec
        )

    @property
    def task(self) -> Task:
        return Task(id="t9", project="p", stage=Stage.SPEC, title="Plan", agent="planner", payload=self.payload)

    async def effect(self, _kind: object, _title: str, _payload: object, do: Any) -> Any:
        return await do()

    async def read_or(self, path: str) -> bytes:
        return self.files.get(path, b"")

    async def write(self, files: dict[str, bytes], **_: object) -> None:
        self.files |= files

    async def commit(self, *_: object, **__: object) -> None:
        pass


async def plan(standing: Any) -> tuple[Outcome, Spec]:
    outcome = await OfflinePlanner(CATALOG).run(standing)
    written = load_spec(standing.files[SPEC_FILE])
    assert outcome.spec is not None and outcome.spec == written
    return outcome, outcome.spec


def taking(edited: Spec, spec: Spec = SPEC, **payload: object) -> Standing:
    return Standing(spec, {EDITED: edited.model_dump(mode="json", exclude_defaults=True), **payload})


def limited(limit: int, spec: Spec = SPEC, **words: object) -> Spec:
    """The plan with another number in an operation; with ``words`` too."""
    known = spec.requirement(LIMIT.id)
    assert known.operation is not None
    operation = known.operation.model_copy(update={"limit": limit})
    return put(spec, known.model_copy(update={"operation": operation, **words}))


def put(spec: Spec, requirement: Requirement) -> Spec:
    kept = (requirement if entry.id == requirement.id else entry for entry in spec.requirements)
    return spec.model_copy(update={"requirements": tuple(kept)})


def with_field(spec: Spec, entity: str, name: str, **values: object) -> Spec:
    def changed(one: Any) -> Any:
        fields = (known.model_copy(update=values) if known.name == name else known for known in one.fields)
        return one.model_copy(update={"fields": tuple(fields)}) if one.name == entity else one

    return spec.model_copy(update={"entities": tuple(changed(one) for one in spec.entities)})


async def test_the_words_of_this_builder_follow_what_is_built() -> None:
    assert LIMIT.text == "There are at most 3 inspections per beehive."
    outcome, spec = await plan(taking(limited(7)))
    now = spec.requirement(LIMIT.id)
    assert now.text == "There are at most 7 inspections per beehive."
    assert now.acceptance == ("One inspection more than 7 per beehive is refused.",)
    assert f"{LIMIT.id} says now: There are at most 7" in outcome.summary
    assert put(spec, LIMIT) == SPEC, "nothing else is changed"


async def test_a_file_that_its_user_wrote_is_taken_as_it_is_or_not_at_all() -> None:
    standing = taking(limited(7), text="# mine\n")
    said = f"{LIMIT.id} says .There are at most 3 inspections per beehive.*at most 7 inspections"
    with pytest.raises(Refused, match=said):
        await plan(standing)
    assert not standing.files
    standing = taking(limited(7, text="Seven of them."), text="# mine\n")
    with pytest.raises(
        Refused, match=r"Seven of them. One inspection more than 3.*Seven of them. One inspection more than 7"
    ):
        await plan(standing)
    right = limited(7, text="Seven of them.", acceptance=("No eighth.",))
    text = "# mine\n" + dump_spec(right).decode()
    _, spec = await plan(standing := taking(right, text=text))
    assert (spec, standing.files[SPEC_FILE].decode()) == (right, text)


@pytest.mark.parametrize("instruction", [None, "add a color to beehives"])
async def test_a_plan_that_was_edited_in_its_file_follows_too(instruction: str | None) -> None:
    payload = {"instruction": instruction} if instruction else {}
    outcome, spec = await plan(Standing(SPEC, payload, {SPEC_FILE: dump_spec(limited(7))}))
    assert spec.requirement(LIMIT.id).text == "There are at most 7 inspections per beehive."
    assert f"{LIMIT.id} says now: There are at most 7" in outcome.summary


async def test_the_words_of_a_person_are_theirs_to_change() -> None:
    before = put(SPEC, OWN_WORDS)
    said = f"{LIMIT.id} says .Three inspections of a beehive are enough.*at most 7 inspections"
    for standing in (
        taking(limited(7, before), before),
        Standing(before, {}, {SPEC_FILE: dump_spec(limited(7, before))}),
    ):
        with pytest.raises(Refused, match=said) as refused:
            await plan(standing)
        assert f"Change the words of {LIMIT.id} too" in str(refused.value.hint)
    accepted = limited(7, before, text="Seven are enough.")
    _, spec = await plan(taking(accepted, before))
    now = spec.requirement(LIMIT.id)
    assert now.text == "Seven are enough."
    assert now.acceptance == ("One inspection more than 7 per beehive is refused.",)


def test_what_a_person_wrote_of_how_it_is_accepted_is_not_left_behind() -> None:
    before = put(SPEC, LIMIT.model_copy(update={"acceptance": ("A fourth one is refused.",)}))
    with pytest.raises(Refused, match=f"{LIMIT.id} says .A fourth one is refused"):
        reword(before, limited(7, before))
    after = reword(before, limited(7, before, acceptance=("An eighth one is refused.",)))
    assert after.requirement(LIMIT.id).acceptance == ("An eighth one is refused.",)


async def test_an_edit_at_the_gate_of_a_step_is_measured_by_the_plan_that_was_shown() -> None:
    shown = SPEC.model_dump(mode="json", exclude_defaults=True)
    earlier = SPEC.model_copy(update={"requirements": tuple(e for e in SPEC.requirements if e.id != LIMIT.id)})
    standing = taking(limited(7), earlier)
    standing.payload[EDITED_FROM] = shown
    _, spec = await plan(standing)
    assert spec.requirement(LIMIT.id).text == "There are at most 7 inspections per beehive."


async def test_an_edit_that_is_taken_again_says_the_same_again() -> None:
    standing = taking(limited(7))
    standing.payload[EDITED_FROM] = SPEC.model_dump(mode="json", exclude_defaults=True)
    _, standing.spec = await plan(standing)
    _, again = await plan(standing)
    assert again == standing.spec
    assert again.requirement(LIMIT.id).text == "There are at most 7 inspections per beehive."


def test_a_copy_under_another_id_says_what_it_builds() -> None:
    copy = limited(7).requirement(LIMIT.id).model_copy(update={"id": "R90"})
    after = reword(SPEC, SPEC.model_copy(update={"requirements": (*SPEC.requirements, copy)}))
    assert after.requirement("R90").text == "There are at most 7 inspections per beehive."
    assert after.requirement(LIMIT.id) == LIMIT


def test_the_sentences_on_a_record_follow_its_fields() -> None:
    after = reword(SPEC, with_field(SPEC, "beehive", "weight", maximum=120.0))
    (checks,) = (one for one in after.operations(OperationKind.VALIDATE, "beehive"))
    assert "from 1 to 120" in checks.text
    changed = [now.id for now, was in zip(after.requirements, SPEC.requirements, strict=True) if now != was]
    assert changed == [checks.id]


def test_a_field_that_joined_by_a_step_is_spoken_of_in_its_own_sentence() -> None:
    grown = extend_spec(SPEC, "add a rating to beehives", supported=SUPPORTED)
    after = reword(grown, with_field(grown, "beehive", "rating", maximum=9.0))
    assert after.requirements[-1].text.startswith("A beehive has a rating: rating is a whole number from 1 to 9")


def test_what_has_the_same_words_as_before_is_left_alone() -> None:
    grown = extend_spec(SPEC, "add a rating to beehives", supported=SUPPORTED)
    own = put(grown, OWN_WORDS)
    for spec in (SPEC, grown, own):
        assert reword(spec, spec) == spec
    other_words = put(own, LIMIT.model_copy(update={"text": "Not more than three."}))
    assert reword(own, other_words) == other_words


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"entity": "hive"}, "is about 'hive', which is no entity"),
        ({"field": "color"}, "is about 'color', which is no field of 'inspection'"),
        ({"field": None}, "is about a field of 'inspection', and names none"),
    ],
)
def test_an_operation_on_what_is_not_there_is_refused(values: dict[str, object], why: str) -> None:
    (known,) = SPEC.operations(OperationKind.FILTER, "inspection")
    assert known.operation is not None
    wrong = known.model_copy(update={"operation": known.operation.model_copy(update=values)})
    with pytest.raises(Refused, match=f"{known.id} {why}"):
        reword(SPEC, put(SPEC, wrong))


def test_an_operation_under_words_that_nothing_was_built_for_is_refused() -> None:
    alone = LIMIT.model_copy(update={"id": "R90", "operation": None, "text": "Send a mail.", "acceptance": ()})
    before = SPEC.model_copy(update={"requirements": (*SPEC.requirements, alone)})
    with pytest.raises(Refused, match=r"R90 says .Send a mail"):
        reword(before, put(before, alone.model_copy(update={"operation": LIMIT.operation})))
