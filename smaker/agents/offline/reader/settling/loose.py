"""Ask what a record belongs to where its name or its fields suggest it, and the words do not say so."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft
from smaker.agents.offline.reader.language.words import word_set
from smaker.agents.offline.reader.product.naming import article, human, listing
from smaker.core.spec import FieldType

# What is of or about something else: a log of plays, the review of a book.
_OF_ANOTHER = word_set(
    "log session review rating comment loan rental booking reservation attempt record score result entry play visit "
    "reading measurement payment repair inspection checkout lending borrowing watching viewing tasting"
)
_MOST = 3  # records worth naming in one question


def ask_belongings(draft: Draft) -> None:
    """Ask of every record that stands alone, and reads as if it were about another, which one that is."""
    entities = list(draft.entities.values())
    referred = {field.references for entity in entities for field in entity.fields.values()}
    for entity in entities:
        tied = entity.name in referred or any(field.references for field in entity.fields.values())
        if tied or not _of_another(entity):
            continue
        others = [other for other in entities if other is not entity and not _of_another(other)]
        named = [other for other in others if other.name.split("_")[-1] in entity.name.split("_")[:-1]] or others
        if 0 < len(named) <= _MOST:
            which = listing([article(human(other.name)) for other in named], "or")
            draft.ask(f"Does {article(human(entity.name))} belong to {which}? Nothing says so. Taken: no.")


def _of_another(entity: EntityDraft) -> bool:
    """Whether it is called so, or has no text that would tell one from another."""
    texts = {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.URL}
    nameless = not any(field.type in texts for field in entity.fields.values())
    return entity.name.removesuffix("_record").split("_")[-1] in _OF_ANOTHER or nameless
