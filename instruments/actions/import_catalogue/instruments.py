"""Instruments with their published prices."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from institutions.models import Institution
from instruments.actions.import_catalogue.categories import OTHER
from instruments.actions.import_catalogue.opening import standard_calendars, standard_opening
from instruments.actions.import_catalogue.sheets import Row, list_of, without_duplicates
from instruments.actions.import_catalogue.upsert import Saved, upsert
from instruments.actions.set_tariff import Price, publish_prices
from instruments.models import (
    AccessMode,
    Approval,
    Attendance,
    Category,
    Field,
    Instrument,
    Unit,
    UserClass,
)
from kernel.money import rounded

COLUMNS = (
    "instrument_id",
    "institution_code",
    "name_zh",
    "name_en",
    "category_code",
    "subcategory_zh",
    "technique",
    "manufacturer",
    "model",
    "country_of_origin",
    "imported",
    "original_value_cny",
    "external_price_cny",
    "price_unit",
    "field",
    "access_mode",
    "attendance",
)
# Those that are missing leave what is known alone.
_OPTIONAL_TEXTS = {
    "holding_basis": "provenance",
    "description_zh": "description_zh",
    "description_en": "description_en",
    "location": "location",
    "contact": "contact",
}
# Known, and not needed: they repeat what codes say.
_REPEATING = (
    "city_en",
    "city_zh",
    "district_en",
    "district_zh",
    "category_en",
    "category_zh",
    "subcategory_en",
    "value_ge_500k",
    "value_ge_300k",
    "value_price_status",
)
OPTIONAL = (*_OPTIONAL_TEXTS, *_REPEATING)
# What each class pays of the price for outside companies.
SHARES = {
    UserClass.INTERNAL: Decimal("0.40"),
    UserClass.ACADEMIC: Decimal("0.60"),
    UserClass.INDUSTRY: Decimal("1.00"),
    UserClass.FOREIGN: Decimal("1.00"),
}
_CODE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_COUNTRY = re.compile("([A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Item:
    """One good row: the instrument's attributes, its price for outside companies, and its unit."""

    code: str
    values: dict[str, Any]
    price: Decimal
    unit: Unit


def check(rows: list[Row]) -> list[Item]:
    known = _Known()
    items = [(row, _read(row, known)) for row in without_duplicates(rows, "instrument_id")]
    return [item for row, item in items if not row.problems]


class _Known:
    """What the codes in the file can stand for: two queries."""

    def __init__(self) -> None:
        self.institutions = dict(Institution.objects.values_list("code", "pk"))
        self.classes: dict[str, int] = {}
        self.subclasses: dict[str, dict[str, int]] = {}
        for pk, code, name in Category.objects.values_list("pk", "code", "name_zh"):
            if len(code) == 2:
                self.classes[code] = pk
            else:
                self.subclasses.setdefault(code[:2], {})[name] = pk

    def category(self, row: Row) -> int | None:
        """The sub-class; a class that has none stands for its own 'other'."""
        class_pk = row.known("category_code", self.classes, _("Unknown category."))
        if class_pk is None:
            return None
        code = row.cells["category_code"].strip()
        known = self.subclasses.get(code) or {OTHER: class_pk, "": class_pk}
        return row.known("subcategory_zh", known, _("Unknown sub-class of this category."))


def _read(row: Row, known: _Known) -> Item:
    values = {
        "institution_id": row.known(
            "institution_code", known.institutions, _("Unknown institution.")
        ),
        "category_id": known.category(row),
        "techniques": _techniques(row),
        "country_of_origin": row.matching(
            "country_of_origin", _COUNTRY, _("Not a country code of two letters.")
        ),
        "imported": row.yes("imported"),
        "original_value": row.amount("original_value_cny", 12),
        "field": row.choice("field", Field.values),
        "access_mode": row.choice("access_mode", AccessMode.values),
        "attendance": row.choice("attendance", Attendance.values),
    }
    for column in ("name_zh", "name_en"):
        values[column] = row.text(column, Instrument, column)
    for column in ("manufacturer", "model"):
        values[column] = row.text(column, Instrument, column, blank=True)
    for column, name in _OPTIONAL_TEXTS.items():
        if row.has(column):
            values[name] = row.text(column, Instrument, name, blank=True)
    return Item(
        code=row.matching("instrument_id", _CODE, _("Not a code of letters and digits.")),
        values=values,
        price=row.amount("external_price_cny", 10),
        unit=row.choice("price_unit", Unit.values),  # type: ignore[arg-type]
    )


def _techniques(row: Row) -> list[str]:
    """`SEM / EDS` are two; `LC-MS/MS` is one."""
    techniques = list_of(row.cells["technique"], " / ")
    if any(len(technique) > 120 for technique in techniques):
        row.wrong("technique", _("Longer than %(n)s characters.") % {"n": 120})
    return techniques


def save(items: list[Item], *, at: datetime, tariffs_from: date, demo: bool) -> Saved:
    """Writes the rows and puts their prices on the list (see `publish_prices`).

    A new instrument gets the standard opening hours, and an old one that has none and can be
    booked; a self-service one approves itself. What people have set since stays.
    """
    calendars = standard_calendars()
    rows = {item.code: {**item.values, **_opening(item, calendars)} for item in items}
    _keep_opening_hours(rows)
    done = upsert(Instrument, rows, once=lambda code: _once(rows[code], demo))
    repriced = _publish(items, done.objects, at, tariffs_from)
    changed = done.changed | {
        code for code, instrument in done.objects.items() if instrument.pk in repriced
    }
    return Saved(
        created=len(done.created),
        changed=len(changed - done.created),
        unchanged=len(rows) - len(changed | done.created),
        stale=Instrument.objects.filter(code__in=done.created | done.changed),
    )


def _opening(item: Item, calendars: dict[str, int]) -> dict[str, Any]:
    return standard_opening(item.values["access_mode"], item.values["attendance"], calendars)


def _keep_opening_hours(rows: dict[str, dict[str, Any]]) -> None:
    """Takes the standard hours out of the rows of instruments that have hours already."""
    having = Instrument.objects.filter(code__in=rows, opening_calendar__isnull=False)
    for code in having.values_list("code", flat=True):
        del rows[code]["opening_calendar_id"], rows[code]["start_calendar_id"]


def _once(values: Mapping[str, Any], demo: bool) -> dict[str, Any]:
    itself = values["access_mode"] == AccessMode.SELF_SERVICE
    return {"is_demo": demo, "approval": Approval.AUTOMATIC if itself else Approval.MANAGER}


def _publish(
    items: list[Item], instruments: dict[str, Instrument], at: datetime, tariffs_from: date
) -> set[int]:
    zones = dict(Institution.objects.values_list("pk", "timezone"))
    prices, on = [], {}
    for item in items:
        instrument = instruments[item.code]
        today = at.astimezone(ZoneInfo(zones[instrument.institution_id])).date()
        on[instrument.pk] = max(today, tariffs_from)
        prices += [
            Price(
                instrument_id=instrument.pk,
                user_class=user_class,
                unit=item.unit,
                unit_price=rounded(item.price * share),
            )
            for user_class, share in SHARES.items()
        ]
    return publish_prices(prices, on=on, first_on=tariffs_from)
