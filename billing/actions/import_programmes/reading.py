"""Reading the rows of a programme file, every complaint with its column and reason."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.models import Pool, Programme, ProgrammeTerms, Redemption, Settlement
from bookings.till import BEST
from institutions.models import Alliance, InstitutionKind, Region
from instruments.actions.import_catalogue.sheets import (
    Row,
    list_of,
    unknown_among,
    without_duplicates,
)
from instruments.models.instrument import ServiceKind
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
RULES = (
    "cross_city_required",
    "holder_kinds",
    "service_kinds",
    "rate",
    "per_booking_cap",
    "annual_cap",
    "settlement",
    "excludes_related_parties",
)
_CODE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,19}")
_POOL = re.compile(r"([0-9]{6}):([0-9]{1,12}(?:\.[0-9]{1,2})?)")
_MOST_YEARS = 20


@dataclass(slots=True)
class Item:
    """One good row. `version` is the version of the terms to write: that of `replaces` where it
    is edited in place, the next one where `replaces` ends the day before `rules["valid_from"]`.
    `version` is None where the terms are as they should be."""

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
    if code == BEST:
        row.wrong("code", _("This word asks for the best of all programmes."))
    lead = row.known("lead_region", known.regions, _("Unknown region."))
    rules = _rules(row)
    item = Item(
        code=code,
        programme={
            "name_zh": row.text("name_zh", Programme, "name_zh"),
            "name_en": row.text("name_en", Programme, "name_en"),
            "lead_region_id": lead,
            "is_demo": demo or row.cells["status"].strip() == "illustrative",
        },
        rules=rules,
        holder_regions=_members(row, known, "holder"),
        provider_regions=_members(row, known, "provider"),
        pools={},
    )
    span = range(rules["valid_from"].year, rules["valid_until"].year + 1)
    if len(span) > _MOST_YEARS:
        row.wrong("valid_until", _("More than %(n)s years.") % {"n": _MOST_YEARS})
        return item
    for region, amount in _pools(row, known):
        for year in span:
            if not years or year in years:
                item.pools[region, year] = amount
                if amount < known.committed.get((code, region, year), ZERO):
                    row.wrong("funding_pools", _("Less than is committed already."))
    return item


def _rules(row: Row) -> dict[str, Any]:
    rules: dict[str, Any] = {
        "cross_city_required": row.yes("cross_city_required"),
        "holder_kinds": _choices(row, "holder_kinds", InstitutionKind.values),
        "service_kinds": _choices(row, "service_kinds", ServiceKind.values),
        "rate": _rate(row),
        "per_booking_cap": _cap(row, "per_booking_cap"),
        "annual_cap": _cap(row, "annual_cap"),
        "settlement": row.choice("settlement", Settlement.values),
        "excludes_related_parties": row.yes("excludes_related_parties"),
        "valid_from": _day(row, "valid_from"),
        "valid_until": _day(row, "valid_until"),
    }
    if rules["valid_until"] < rules["valid_from"]:
        row.wrong("valid_until", _("Before the first day."))
    return rules


def _members(row: Row, known: _Known, side: str) -> set[int]:
    """The regions of an alliance and of a list of codes together."""
    alliance = row.cells[f"{side}_alliance"].strip()
    codes = list_of(row.cells[f"{side}_regions"])
    unknown = unknown_among(codes, known.regions)
    if unknown:
        row.wrong(f"{side}_regions", _("Unknown: %(codes)s.") % {"codes": ", ".join(unknown)})
    if alliance and alliance not in known.alliances:
        row.wrong(f"{side}_alliance", _("Unknown alliance."))
    if not alliance and not codes:
        row.wrong(f"{side}_regions", _("Name an alliance or regions."))
    listed = {known.regions[code] for code in codes if code in known.regions}
    return listed | known.alliances.get(alliance, set())


def _pools(row: Row, known: _Known) -> Iterable[tuple[int, Decimal]]:
    """`320500:8000000.00;…`: each region once."""
    found = []
    for part in list_of(row.cells["funding_pools"]):
        shape = _POOL.fullmatch(part)
        if not shape or shape[1] not in known.regions:
            row.wrong("funding_pools", _("Not a known region and an amount: %(x)s.") % {"x": part})
        else:
            found.append((known.regions[shape[1]], Decimal(shape[2])))
    if any(count > 1 for count in Counter(region for region, _amount in found).values()):
        row.wrong("funding_pools", _("The same region twice."))
    return found


def _choices(row: Row, column: str, known: Sequence[str]) -> list[str]:
    values = list_of(row.cells[column])
    unknown = unknown_among(values, known)
    if unknown or not values:
        row.wrong(column, _("Unknown; known are: %(known)s.") % {"known": ", ".join(known)})
    return sorted(set(values))


def _rate(row: Row) -> Decimal:
    try:
        rate = Decimal(row.cells["rate"].strip())
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or not 0 < rate <= 1 or rate != rate.quantize(Decimal("0.0001")):
        row.wrong("rate", _("Not a share above 0 and up to 1 with at most four decimals."))
        return Decimal(1)
    return rate


def _cap(row: Row, column: str) -> Decimal | None:
    """CNY; an empty cell sets no cap."""
    if not row.cells[column].strip():
        return None
    amount = row.amount(column, 12)
    if not amount:
        row.wrong(column, _("Not above zero: leave it empty for no cap."))
    return amount


def _day(row: Row, column: str) -> date:
    try:
        day = date.fromisoformat(row.cells[column].strip())
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2100:
        row.wrong(column, _("Not a day such as 2026-01-31."))
        return date(2000, 1, 1)
    return day


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
