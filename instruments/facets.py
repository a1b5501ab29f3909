"""How many instruments there are of each kind, for the filters beside a list."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.db.models import Count, QuerySet
from django.db.models.functions import Coalesce

from institutions.models import Region
from institutions.models.names import Named
from instruments.models import AccessMode, Category, Field, Instrument

_NAMES = ("code", "name_zh", "name_en")
_LABELS = {"field": dict(Field.choices), "access_mode": dict(AccessMode.choices)}
Facet = list[dict[str, Any]]


def facets(found: QuerySet[Instrument]) -> dict[str, Facet]:
    """Counts of `found` by `region` (its city), `category` (its class), `field`, `access_mode`.

    Each is a list, most first, of `code`, `name` in the reader's language and `count`; regions
    and categories have `name_zh` and `name_en` as well. One query, which counts combinations.
    """
    rows = (
        Instrument.objects.filter(pk__in=found.order_by().values("pk"))
        .order_by()
        .values(
            "field",
            "access_mode",
            **_first_of("region", "institution__region__city", "institution__region"),
            **_first_of("category", "category__parent", "category"),
        )
        .annotate(count=Count("pk"))
    )
    named: dict[str, dict[str, Named]] = {"region": {}, "category": {}}
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("region", "category", "field", "access_mode")
    }
    for row in cast(Iterable[dict[str, Any]], rows):
        for name, table in (("region", Region), ("category", Category)):
            thing = table(**{part: row[f"{name}_{part}"] for part in _NAMES})
            named[name][thing.code] = thing
            counts[name][thing.code] += row["count"]
        for name in _LABELS:
            counts[name][row[name]] += row["count"]
    return {
        name: [_value(code, count, named.get(name), _LABELS.get(name, {})) for code, count in most]
        for name, most in ((name, _most_first(counter)) for name, counter in counts.items())
    }


def _first_of(name: str, first: str, second: str) -> dict[str, Coalesce]:
    """`region_code` and so on: the city's, or the region's own where it has no city."""
    return {f"{name}_{part}": Coalesce(f"{first}__{part}", f"{second}__{part}") for part in _NAMES}


def _most_first(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))


def _value(
    code: str, count: int, named: dict[str, Named] | None, labels: Mapping[str, Any]
) -> dict[str, Any]:
    if named is None:
        return {"code": code, "name": str(labels.get(code, code)), "count": count}
    names = {part: getattr(named[code], part) for part in (*_NAMES, "name")}
    return {**names, "count": count}
