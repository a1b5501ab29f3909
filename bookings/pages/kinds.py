"""What takes an instrument's time, told apart in words and, by the same names, in colours."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kernel.periods import Period

# By the names of the classes in app.css, in the order of the legend.
WORDS = {
    "taken": pgettext_lazy("calendar", "Booked"),
    "own": _("Yours"),
    "changeover": _("Change-over"),
    "training": _("Training session"),
    "maintenance": _("Maintenance"),
    "closure": _("Closure"),
    "other": _("Not available"),
    "shut": _("Not open"),
}
_AS_THEY_ARE = frozenset({"training", "maintenance", "closure"})


def kind_of(row: dict[str, Any]) -> str:
    """The kind of one row of `queries.busy_row`; calendar.js says the same of the API's rows."""
    if row["changeover"]:
        return "changeover"
    if row["kind"] == "booking":
        return "own" if row["own"] else "taken"
    return row["kind"] if row["kind"] in _AS_THEY_ARE else "other"


def stretches(busy: Iterable[dict[str, Any]], capacity: int) -> list[tuple[str, Period]]:
    """What is in the way when, in order of time: the reader's own always, anything else where
    every one of the `capacity` seats has something."""
    return list(_joined(_pieces(busy, capacity)))


def _pieces(busy: Iterable[dict[str, Any]], capacity: int) -> Iterator[tuple[str, Period]]:
    """One piece between any two instants at which something begins or ends."""
    changes: dict[datetime, Counter[tuple[str, bool]]] = defaultdict(Counter)
    for row in busy:
        seat = (kind_of(row), row["own"])
        changes[row["start"]][seat] += 1
        changes[row["end"]][seat] -= 1
    there: Counter[tuple[str, bool]] = Counter()
    for start, end in pairwise(sorted(changes)):
        # `update` keeps what is below zero, which `+` would drop.
        there.update(changes[start])
        standing = {seat for seat, count in there.items() if count}
        own = {kind for kind, is_own in standing if is_own}
        if own:
            yield "own" if "own" in own else own.pop(), Period(start, end)
        elif there.total() >= capacity:
            yield _one_kind({kind for kind, _is_own in standing}), Period(start, end)


def _one_kind(kinds: set[str]) -> str:
    """What several full seats are called together."""
    if len(kinds) == 1:
        return kinds.pop()
    return "taken" if "taken" in kinds else "other"


def _joined(pieces: Iterable[tuple[str, Period]]) -> Iterator[tuple[str, Period]]:
    """Neighbours of one kind as one stretch."""
    last: tuple[str, Period] | None = None
    for kind, period in pieces:
        if last and last[0] == kind and last[1].end == period.start:
            last = kind, Period(last[1].start, period.end)
            continue
        if last:
            yield last
        last = kind, period
    if last:
        yield last
