"""Who changed what when, in the rows that django-pghistory keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pghistory
from django.db.models import QuerySet
from pghistory.runtime import context

from institutions.models import User


def changed_by(user: User) -> context:
    """`with changed_by(user): …`: the history of every row that changes inside names `user`."""
    return pghistory.context(user=user.pk)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one row, or with an empty `field` a row that was new: `by` is None where no
    person did it, such as an import. `event` is the row of the history."""

    at: datetime
    by: User | None
    event: Any
    field: str
    before: Any
    after: Any


def changes(events: QuerySet[Any], fields: Sequence[str], *, most: int = 50) -> list[Change]:
    """The latest changes of `fields`, the newest first, at most so many rows of history.

    `events` are rows of one event table. Two queries.
    """
    rows = list(events.select_related("pgh_context").order_by("-pgh_id")[: most + 1])
    people = User.objects.in_bulk({pk for row in rows if (pk := _user_id(row))})
    found: list[Change] = []
    latest: dict[int, Any] = {}
    for row in reversed(rows):
        before = latest.get(row.pgh_obj_id)
        latest[row.pgh_obj_id] = row
        by = people.get(_user_id(row) or 0)
        if before is not None:
            found += _differences(before, row, fields, by)
        elif row.pgh_label == "insert":
            found.append(Change(row.pgh_created_at, by, row, "", None, None))
    return found[::-1]


def _differences(before: Any, row: Any, fields: Iterable[str], by: User | None) -> Iterable[Change]:
    for name in fields:
        old, new = getattr(before, name), getattr(row, name)
        if old != new:
            yield Change(row.pgh_created_at, by, row, name, old, new)


def _user_id(row: Any) -> int | None:
    found = row.pgh_context
    return found.metadata.get("user") if found else None
