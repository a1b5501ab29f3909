"""Reading the rows of a programme file, every complaint with its column and reason."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.actions.import_programmes import cells
from billing.models import Pool, Programme, ProgrammeTerms, Redemption
from billing.models.programme import CODE, RESERVED_CODES
from institutions.models import Alliance, Region
from instruments.actions.import_catalogue.sheets import Row, without_duplicates
from kernel.money import ZERO

COLUMNS = (
    "code",
    "name_zh",
    "name_en",
    "lead_region",
    "funding_pools",
    "holder_alliance",
    "holder_regions",
    "provider_alliance",
    "provider_regions",
    "cross_city_required",
    "holder_kinds",
    "service_kinds",
    "rate",
    "per_booking_cap",
    "annual_cap",
    "settlement",
    "excludes_related_parties",
    "valid_from",
    "valid_until",
    "status",
)
_CODE = re.compile(CODE)
_MOST_YEARS = 20


@dataclass(slots=True)
class Item:
    """One good row. `current` are the programme's last terms, if any: they stay as they are where
    there are no new ones, are edited `in_place`, or end before the new ones begin."""

    code: str
    programme: dict[str, Any]
    rules: dict[str, Any]
    holder_regions: set[int]
    provider_regions: set[int]
    pools: dict[tuple[int, int], Decimal]
    current: ProgrammeTerms | None = None
    in_place: bool = False
    has_new_terms: bool = True


@dataclass(slots=True)
class _Known:
    """What the codes in the file can stand for, and what there is already."""

    regions: dict[str, int] = field(default_factory=dict)
    alliances: dict[str, set[int]] = field(default_factory=dict)
    terms: dict[str, list[ProgrammeTerms]] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    committed: dict[tuple[str, int, int], Decimal] = field(default_factory=dict)


def check(rows: list[Row], *, years: Collection[int], today: date, demo: bool) -> list[Item]:
    """The good rows; what is wrong with the others stands in them."""
    known = _known()
    items = []
    for row in without_duplicates(rows, "code"):
        item = _read(row, known, years=years, demo=demo)
        if not row.problems:
            _compare(row, item, known, today)
            items.append((row, item))
    return [item for row, item in items if not row.problems]


def _known() -> _Known:
    known = _Known(regions=dict(Region.objects.values_list("code", "pk")))
    for code, region in Alliance.objects.values_list("code", "regions"):
        known.alliances.setdefault(code, set()).add(region)
    versions = ProgrammeTerms.objects.select_related("programme").prefetch_related(
        "holder_regions", "provider_regions"
    )
    for terms in versions.order_by("version"):
        known.terms.setdefault(terms.programme.code, []).append(terms)
    known.used = set(Redemption.objects.values_list("terms", flat=True).distinct())
    pools = Pool.objects.values_list("programme__code", "funding_region", "year", "committed")
    known.committed = {(code, region, year): sum_ for code, region, year, sum_ in pools}
    return known


def _read(row: Row, known: _Known, *, years: Collection[int], demo: bool) -> Item:
    code = row.matching("code", _CODE, _("Not a code of letters and digits."))
    if code.lower() in RESERVED_CODES:
        row.wrong("code", _("This word means something else here: choose a code."))
    lead = row.known("lead_region", known.regions, _("Unknown region."))
    rules = cells.rules(row) | cells.optional(row)
    item = Item(
        code=code,
        programme={
            "name_zh": row.text("name_zh", Programme, "name_zh"),
            "name_en": row.text("name_en", Programme, "name_en"),
            "lead_region_id": lead,
            "is_demo": demo or row.cells["status"].strip() == "illustrative",
        },
        rules=rules,
        holder_regions=cells.members(row, known.regions, known.alliances, "holder"),
        provider_regions=cells.members(row, known.regions, known.alliances, "provider"),
        pools={},
    )
    pools = cells.pools(row, known.regions)
    if not row.problems:
        item.pools = _yearly(row, known, item, pools, years)
    return item


def _yearly(
    row: Row,
    known: _Known,
    item: Item,
    pools: Iterable[tuple[int, Decimal]],
    years: Collection[int],
) -> dict[tuple[int, int], Decimal]:
    """The same amount for every calendar year of the validity, or for those asked for."""
    span = range(item.rules["valid_from"].year, item.rules["valid_until"].year + 1)
    if len(span) > _MOST_YEARS:
        row.wrong("valid_until", _("More than %(n)s years.") % {"n": _MOST_YEARS})
        return {}
    found = {}
    for region, amount in pools:
        for year in span:
            if not years or year in years:
                found[region, year] = amount
                if amount < known.committed.get((item.code, region, year), ZERO):
                    row.wrong("funding_pools", _("Less than is committed already."))
    return found


def _compare(row: Row, item: Item, known: _Known, today: date) -> None:
    """Decides between leaving the terms, editing them, and adding a version."""
    versions = known.terms.get(item.code, [])
    if not versions:
        return
    item.current = current = versions[-1]
    before = versions[-2].valid_until if len(versions) > 1 else None
    if before:
        # A later version began where the one before it was ended, whatever the file says.
        item.rules["valid_from"] = max(item.rules["valid_from"], before + timedelta(days=1))
    if _is_same(current, item, ignoring="valid_until"):
        item.has_new_terms = current.valid_until != item.rules["valid_until"]
        item.in_place = True
    elif current.pk not in known.used:
        item.in_place = True
    else:
        item.rules["valid_from"] = max(item.rules["valid_from"], today)
        if item.rules["valid_from"] <= current.valid_from:
            row.wrong("valid_from", _("These terms are used already: name a later day."))
    if item.rules["valid_until"] < item.rules["valid_from"]:
        row.wrong("valid_until", _("Over before the new rules can begin."))


def _is_same(terms: ProgrammeTerms, item: Item, *, ignoring: str) -> bool:
    return (
        all(getattr(terms, n) == value for n, value in item.rules.items() if n != ignoring)
        and {region.pk for region in terms.holder_regions.all()} == item.holder_regions
        and {region.pk for region in terms.provider_regions.all()} == item.provider_regions
    )
