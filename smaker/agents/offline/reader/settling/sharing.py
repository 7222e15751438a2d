"""Settle whose records are whose, where people log in: what was said of some of them says something of the others."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft
from smaker.agents.offline.reader.product.naming import human


def settle_owners(draft: Draft) -> None:
    """Say of every record whether each user has their own; what was not said is asked.

    Where nothing is called private, all is. Where some records are, the others are shared, but for those that belong
    to a private one, or were only named as the place of one: "private notes in notebooks".
    """
    unsaid = [entity for entity in draft.entities.values() if entity.owned is None]
    private = [entity for entity in draft.entities.values() if entity.owned]
    if not draft.users or draft.own_all is not None or not unsaid:
        for entity in draft.entities.values():
            entity.owned = bool(draft.users) and entity.owned is not False and draft.own_all is not False
        return
    if not private:
        for entity in unsaid:
            entity.owned = True
            draft.ask(f"Who sees {human(entity.plural)}? Taken: each user only their own.")
        return
    for entity in unsaid:
        near = _private_parent(draft, entity) or _private_part(private, entity)
        entity.owned = near is not None
        taken = f"each user only their own, as with {human(near.plural)}" if near else "all users, who may change them"
        draft.ask(f"Who sees {human(entity.plural)}? Taken: {taken}.")


def _private_parent(draft: Draft, entity: EntityDraft) -> EntityDraft | None:
    """The private record that ``entity`` belongs to, itself or by way of others."""
    seen, waiting = {entity.name}, [entity]
    while waiting:
        for field in waiting.pop().fields.values():
            target = draft.entities.get(field.references or "")
            if target is not None and target.name not in seen:
                if target.owned:
                    return target
                seen.add(target.name)
                waiting.append(target)
    return None


def _private_part(private: list[EntityDraft], entity: EntityDraft) -> EntityDraft | None:
    """The private record that refers to ``entity``, if nothing was said of that by itself."""
    if entity.declared:
        return None
    return next((one for one in private if any(field.references == entity.name for field in one.fields.values())), None)
