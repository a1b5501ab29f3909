"""Institutions and the region in which each is registered."""

import re
from collections import Counter
from typing import Any

from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from institutions.models import Institution, Region
from institutions.models.institution import InstitutionKind
from institutions.models.region import RegionLevel
from instruments.actions.import_catalogue.sheets import Row, without_duplicates
from instruments.actions.import_catalogue.upsert import Saved, upsert
from instruments.models import Instrument

COLUMNS = (
    "code",
    "name_zh",
    "name_en",
    "city_zh",
    "district_zh",
    "type",
    "unified_social_credit_code",
    "provenance",
)
OPTIONAL = ("city_en", "district_en", "zone_tags", "g60_city")
_CODE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,19}")


def check(rows: list[Row]) -> list[dict[str, Any]]:
    places = _Places()
    items = [(row, _read(row, places)) for row in without_duplicates(rows, "code")]
    _check_credit_codes(items)
    return [item for row, item in items if not row.problems]


class _Places:
    """Regions by the names that people write: district within city, else the city."""

    def __init__(self) -> None:
        self.cities: dict[str, int] = {}
        self.districts: dict[tuple[int, str], int] = {}
        for region in Region.objects.filter(level__in=[RegionLevel.CITY, RegionLevel.DISTRICT]):
            if region.level == RegionLevel.CITY:
                self.cities[region.name_zh] = region.pk
            elif region.city_id:
                self.districts[region.city_id, region.name_zh] = region.pk

    def find(self, row: Row) -> int | None:
        city = row.known("city_zh", self.cities, _("Unknown city."))
        return self.districts.get((city or 0, row.cells["district_zh"].strip()), city)


def _read(row: Row, places: _Places) -> dict[str, Any]:
    return {
        "code": row.matching("code", _CODE, _("Not a code of letters and digits.")),
        "name_zh": row.text("name_zh", Institution, "name_zh"),
        "name_en": row.text("name_en", Institution, "name_en"),
        "kind": row.choice("type", InstitutionKind.values),
        "region_id": places.find(row),
        "credit_code": _credit_code(row),
        "provenance": row.text("provenance", Institution, "provenance", blank=True),
    }


def _credit_code(row: Row) -> str:
    """The unified social credit code (GB 32100-2015), checked with its check digit, or empty."""
    code = uscc.compact(row.cells["unified_social_credit_code"])
    if code and not uscc.is_valid(code):
        row.wrong("unified_social_credit_code", _("Not a valid unified social credit code."))
    return code


def _check_credit_codes(items: list[tuple[Row, dict[str, Any]]]) -> None:
    """Each code belongs to one institution, in the file and among those known already."""
    given = Counter(item["credit_code"] for _row, item in items if item["credit_code"])
    if not given:
        return
    owners = dict(
        Institution.objects.filter(credit_code__in=given).values_list("credit_code", "code")
    )
    for row, item in items:
        code = item["credit_code"]
        if code and (given[code] > 1 or owners.get(code, item["code"]) != item["code"]):
            row.wrong("unified_social_credit_code", _("Another institution has this code."))


def save(items: list[dict[str, Any]], *, demo: bool) -> Saved:
    """Writes the rows. A new institution stands at the top of its own tree."""
    rows = {
        item["code"]: {name: value for name, value in item.items() if name != "code"}
        for item in items
    }
    done = upsert(Institution, rows, once=lambda code: {"lineage": [code], "is_demo": demo})
    return Saved(
        created=len(done.created),
        changed=len(done.changed),
        unchanged=len(rows) - len(done.created | done.changed),
        stale=Instrument.objects.filter(institution__code__in=done.changed),
    )
