"""The profile cli-tool, built for specs written by hand: red first, then green and lint-free, then used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smaker.core.spec import Aggregate, DataField, Entity, FieldType, Operation, OperationKind, ProductKind, Spec

Plan = tuple[list[Entity], list[Operation]]


def expenses() -> Plan:
    """The expenses tracker of the README."""
    expense = Entity(
        name="expense",
        plural="expenses",
        fields=(
            DataField(name="amount", type=FieldType.MONEY),
            DataField(name="category", type=FieldType.TEXT),
            DataField(name="date", type=FieldType.DATE, default="today"),
            DataField(name="note", type=FieldType.LONG_TEXT, required=False),
        ),
    )
    return [expense], [
        Operation(kind=OperationKind.FILTER, entity="expense", field="date", by="month"),
        Operation(
            kind=OperationKind.REPORT,
            entity="expense",
            aggregate=Aggregate.SUM,
            field="amount",
            by="category",
            name="total_per_category",
        ),
        Operation(kind=OperationKind.EXPORT, entity="expense", format="csv"),
    ]


def inventory() -> Plan:
    """Several entities, with references, a limit and a transfer."""
    product = Entity(
        name="product",
        plural="products",
        label="name",
        fields=(
            DataField(name="sku", unique=True),
            DataField(name="name"),
            DataField(name="price", type=FieldType.MONEY, minimum=0),
        ),
    )
    warehouse = Entity(
        name="warehouse", plural="warehouses", label="name", fields=(DataField(name="name"), DataField(name="city"))
    )
    stock = Entity(
        name="stock",
        plural="stocks",
        fields=(
            DataField(name="product", type=FieldType.REFERENCE, references="product"),
            DataField(name="warehouse", type=FieldType.REFERENCE, references="warehouse"),
            DataField(name="quantity", type=FieldType.INTEGER, minimum=0),
        ),
    )
    return [product, warehouse, stock], [
        Operation(kind=OperationKind.FILTER, entity="stock", field="warehouse"),
        Operation(
            kind=OperationKind.REPORT,
            entity="stock",
            aggregate=Aggregate.SUM,
            field="quantity",
            by="product",
            name="quantity_per_product",
        ),
        Operation(kind=OperationKind.LIMIT, entity="stock", limit=3, by="warehouse"),
        Operation(
            kind=OperationKind.TRANSFER,
            entity="stock",
            field="quantity",
            by="warehouse",
            topic="product",
            name="move_stock",
        ),
    ]


def kitchen_sink() -> Plan:
    """Every type of field, required and not, and every operation."""
    board = Entity(name="board", plural="boards", label="title", fields=(DataField(name="title", unique=True),))
    every = [
        DataField(name="title", minimum=3, maximum=80),
        DataField(name="body", type=FieldType.LONG_TEXT, required=False),
        DataField(name="points", type=FieldType.INTEGER, minimum=1, maximum=20),
        DataField(name="weight", type=FieldType.NUMBER, required=False, minimum=0),
        DataField(name="price", type=FieldType.MONEY, minimum=0.01, required=False),
        DataField(name="done", type=FieldType.BOOLEAN),
        DataField(name="due", type=FieldType.DATE, required=False),
        DataField(name="starts", type=FieldType.DATETIME),
        DataField(name="contact", type=FieldType.EMAIL, unique=True),
        DataField(name="link", type=FieldType.URL, required=False),
        DataField(name="priority", type=FieldType.CHOICE, choices=("low", "medium", "very high"), default="medium"),
        DataField(name="labels", type=FieldType.TAGS, required=False),
        DataField(name="board", type=FieldType.REFERENCE, references="board"),
        DataField(name="parent", type=FieldType.REFERENCE, references="task", required=False),
    ]
    task = Entity(name="task", plural="tasks", label="title", fields=tuple(every))
    named = [field.name for field in every]
    operations = [
        Operation(kind=OperationKind.SEARCH, entity="task"),
        *(Operation(kind=OperationKind.FILTER, entity="task", field=name) for name in named if name not in {"parent"}),
        Operation(kind=OperationKind.FILTER, entity="task", field="due", by="month"),
        Operation(kind=OperationKind.FILTER, entity="task", field="starts", by="month"),
        *(Operation(kind=OperationKind.SORT, entity="task", field=name) for name in named if name != "parent"),
        Operation(kind=OperationKind.SET, entity="task", field="done", value="true", name="mark_done"),
        Operation(kind=OperationKind.SET, entity="task", field="priority", value="very high", name="rush"),
        Operation(kind=OperationKind.SET, entity="task", field="starts", value="now", name="start"),
        Operation(kind=OperationKind.REPORT, entity="task", aggregate=Aggregate.COUNT, name="how_many"),
        *(
            Operation(
                kind=OperationKind.REPORT, entity="task", aggregate=Aggregate.COUNT, by=by, name=f"count_per_{by}"
            )
            for by in ("done", "labels", "board", "month", "price")
        ),
        *(
            Operation(
                kind=OperationKind.REPORT,
                entity="task",
                aggregate=aggregate,
                field=field,
                by=by,
                name=f"{aggregate}_{field}_per_{by or 'all'}",
            )
            for aggregate, field, by in (
                (Aggregate.SUM, "price", "priority"),
                (Aggregate.SUM, "weight", None),
                (Aggregate.AVERAGE, "price", "month"),
                (Aggregate.AVERAGE, "points", "priority"),
                (Aggregate.MINIMUM, "price", None),
                (Aggregate.MAXIMUM, "due", "priority"),
            )
        ),
        *(
            Operation(kind=kind, entity="task", format=form)
            for kind in (OperationKind.EXPORT, OperationKind.IMPORT)
            for form in ("csv", "json")
        ),
        Operation(kind=OperationKind.IMPORT, entity="board", format="json"),
        Operation(kind=OperationKind.LIMIT, entity="task", limit=4, by="board"),
        Operation(kind=OperationKind.LIMIT, entity="board", limit=9),
    ]
    return [board, task], operations


def odd_names() -> Plan:
    """Words that mean something to Python, SQL or the command line."""
    class_ = Entity(
        name="class",
        plural="classes",
        label="name",
        fields=(
            DataField(name="name"),
            DataField(name="from", type=FieldType.DATE),
            DataField(name="type", type=FieldType.CHOICE, choices=("a|b", 'say "hi"')),
            DataField(name="order", type=FieldType.INTEGER),
            DataField(name="help", required=False),
        ),
    )
    import_ = Entity(
        name="import",
        plural="imports",
        fields=(
            DataField(name="class", type=FieldType.REFERENCE, references="class"),
            DataField(name="list", type=FieldType.TAGS, required=False),
            DataField(name="date", type=FieldType.DATE),
            DataField(name="search", required=False),
            DataField(name="values", type=FieldType.MONEY),
            DataField(name="month"),
            DataField(name="store", type=FieldType.BOOLEAN),
        ),
    )
    path = Entity(name="path", plural="paths", fields=(DataField(name="self"), DataField(name="record")))
    return [class_, import_, path], [
        Operation(kind=OperationKind.FILTER, entity="class", field="type"),
        Operation(kind=OperationKind.FILTER, entity="class", field="from", by="month"),
        Operation(kind=OperationKind.SORT, entity="class", field="order"),
        Operation(kind=OperationKind.SORT, entity="class", field="type"),
        Operation(kind=OperationKind.FILTER, entity="import", field="search"),
        Operation(kind=OperationKind.FILTER, entity="import", field="list"),
        Operation(kind=OperationKind.FILTER, entity="import", field="month"),
        Operation(kind=OperationKind.FILTER, entity="import", field="date", by="month"),
        Operation(kind=OperationKind.SEARCH, entity="import"),
        Operation(kind=OperationKind.SET, entity="import", field="store", value="yes", name="open"),
        Operation(
            kind=OperationKind.REPORT,
            entity="import",
            aggregate=Aggregate.SUM,
            field="values",
            by="class",
            name="sum",
        ),
        Operation(
            kind=OperationKind.REPORT,
            entity="import",
            aggregate=Aggregate.MAXIMUM,
            field="values",
            by="month",
            name="find",
        ),
        Operation(kind=OperationKind.EXPORT, entity="path", format="json"),
    ]


@pytest.mark.parametrize("plan", [expenses, inventory, kitchen_sink, odd_names])
def test_it_is_red_on_the_skeleton_and_green_after_the_blueprints(
    plan: Callable[[], Plan], make_spec: Callable[..., Spec], build: Callable[[Spec], Any]
) -> None:
    entities, operations = plan()
    slug = plan.__name__.replace("_", "-")
    build(make_spec(slug, "cli-tool", ProductKind.CLI, entities=entities, operations=operations))
