"""Write only what differs, in a fixed number of statements."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from instruments.models import Instrument

M = TypeVar("M", bound=Model)
BATCH = 500


@dataclass(slots=True)
class Upserted(Generic[M]):
    """Every object by its code, and the codes of those that are new or different now."""

    objects: dict[str, M]
    created: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a file's rows, and the instruments that are to be found anew."""

    created: int
    changed: int
    unchanged: int
    stale: QuerySet[Instrument]


def upsert(
    model: type[M],
    rows: Mapping[str, Mapping[str, Any]],
    *,
    once: Callable[[str], Mapping[str, Any]] | None = None,
) -> Upserted[M]:
    """Makes the objects with these codes have these attributes (`…_id` for foreign keys).

    `once(code)` gives what only a new object gets. Rows that are equal already are not written,
    so that no trigger runs for them. Three statements, more only by batches of 500.
    """
    found: dict[str, M] = model._default_manager.in_bulk(list(rows), field_name="code")
    result = Upserted(objects=dict(found))
    differing: set[str] = set()
    for code, values in rows.items():
        if code not in found:
            extra = once(code) if once else {}
            result.objects[code] = model(code=code, **values, **extra)
            result.created.add(code)
        elif names := assign(found[code], values):
            differing |= names
            result.changed.add(code)
    made = [result.objects[code] for code in rows if code in result.created]
    model._default_manager.bulk_create(made, batch_size=BATCH)
    write(model, [result.objects[code] for code in result.changed], differing)
    return result


def assign(target: Model, values: Mapping[str, Any]) -> set[str]:
    """Sets the attributes and names those that were different."""
    different = {name for name, value in values.items() if getattr(target, name) != value}
    for name in different:
        setattr(target, name, values[name])
    return different


def write(model: type[M], objects: list[M], fields: Iterable[str]) -> None:
    names = sorted(fields)
    if objects and names:
        model._default_manager.bulk_update(objects, names, batch_size=BATCH)
