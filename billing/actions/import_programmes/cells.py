"""The cells of a programme's row, one reader for each kind."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.models import CapPer, EnterpriseSize, Evidence, Settlement
from institutions.models import InstitutionKind
from instruments.actions.import_catalogue.sheets import Row, list_of, unknown_among
from instruments.models.instrument import ServiceKind

_POOL = re.compile(r"([0-9]{6}):([0-9]{1,12}(?:\.[0-9]{1,2})?)")


def rules(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {
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
    first, last = found["valid_from"], found["valid_until"]
    if first and last and last < first:
        row.wrong("valid_until", _("Before the first day."))
    return found


def optional(row: Row) -> dict[str, Any]:
    """What a file may leave out: the columns that it has."""
    found: dict[str, Any] = {
        name: row.yes(name) for name in ("admitted_only", "needs_order_number") if row.has(name)
    }
    for name, known in (("enterprise_sizes", EnterpriseSize), ("evidence", Evidence)):
        if row.has(name):
            found[name] = _choices(row, name, known.values, may_be_empty=True)
    if row.has("cap_per"):
        found["cap_per"] = row.choice("cap_per", CapPer.values)
        if found["cap_per"] == CapPer.GROUP and not row.cells["annual_cap"].strip():
            row.wrong("cap_per", _("A group needs a yearly cap."))
    if row.has("claim_within_days"):
        found["claim_within_days"] = _days(row, "claim_within_days")
    return found


def _days(row: Row, column: str) -> int | None:
    """From 1 to 1000; an empty cell sets no deadline."""
    text = row.cells[column].strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1000):
        row.wrong(column, _("Not a number of days from 1 to 1000."))
        return None
    return int(text)


def members(
    row: Row, regions: Mapping[str, int], alliances: Mapping[str, set[int]], side: str
) -> set[int]:
    """The regions of an alliance and of a list of codes together."""
    alliance = row.cells[f"{side}_alliance"].strip()
    codes = list_of(row.cells[f"{side}_regions"])
    unknown = unknown_among(codes, regions)
    if unknown:
        row.wrong(f"{side}_regions", _("Unknown: %(codes)s.") % {"codes": ", ".join(unknown)})
    if alliance and alliance not in alliances:
        row.wrong(f"{side}_alliance", _("Unknown alliance."))
    if not alliance and not codes:
        row.wrong(f"{side}_regions", _("Name an alliance or regions."))
    listed = {regions[code] for code in codes if code in regions}
    return listed | alliances.get(alliance, set())


def pools(row: Row, regions: Mapping[str, int]) -> list[tuple[int, Decimal]]:
    """`320500:8000000.00;…`: each region once."""
    found = []
    for part in list_of(row.cells["funding_pools"]):
        shape = _POOL.fullmatch(part)
        if not shape or shape[1] not in regions:
            row.wrong("funding_pools", _("Not a known region and an amount: %(x)s.") % {"x": part})
        else:
            found.append((regions[shape[1]], Decimal(shape[2])))
    if any(count > 1 for count in Counter(region for region, _amount in found).values()):
        row.wrong("funding_pools", _("The same region twice."))
    return found


def _choices(
    row: Row, column: str, known: Sequence[str], *, may_be_empty: bool = False
) -> list[str]:
    values = list_of(row.cells[column])
    unknown = unknown_among(values, known)
    if unknown or not (values or may_be_empty):
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


def _day(row: Row, column: str) -> date | None:
    try:
        day = date.fromisoformat(row.cells[column].strip())
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2100:
        row.wrong(column, _("Not a day such as 2026-01-31."))
        return None
    return day
