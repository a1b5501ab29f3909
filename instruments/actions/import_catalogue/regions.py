"""Administrative divisions: their tree, and the city that each belongs to."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from institutions.models import Region
from institutions.models.region import RegionLevel
from instruments.actions.import_catalogue.sheets import Row, without_duplicates
from instruments.actions.import_catalogue.upsert import Saved, assign, write
from instruments.models import Instrument

COLUMNS = ("code", "parent_code", "name_zh", "name_en", "level")
_CODE = re.compile("[0-9]{6}")
# From the top down: a parent stands higher than its children, so there are no circles.
_LEVELS = list(RegionLevel.values)


def check(rows: list[Row]) -> list[dict[str, Any]]:
    """The good rows, parents before children. A parent is in the file or known already."""
    levels = dict(Region.objects.values_list("code", "level"))
    read = [_read(row) for row in without_duplicates(rows, "code")]
    pairs = [pair for pair in zip(rows, read, strict=True) if not pair[0].problems]
    good = []
    for row, values in sorted(pairs, key=lambda pair: _LEVELS.index(pair[1]["level"])):
        _check_parent(row, values, levels)
        if not row.problems:
            levels[values["code"]] = values["level"]
            good.append(values)
    return good


def _read(row: Row) -> dict[str, Any]:
    return {
        "code": row.matching("code", _CODE, _("Not six digits.")),
        "parent": row.cells["parent_code"].strip(),
        "level": row.choice("level", _LEVELS),
        "name_zh": row.text("name_zh", Region, "name_zh"),
        "name_en": row.text("name_en", Region, "name_en"),
    }


def _check_parent(row: Row, values: dict[str, Any], levels: dict[str, str]) -> None:
    parent, level = values["parent"], values["level"]
    if level == RegionLevel.COUNTRY:
        if parent:
            row.wrong("parent_code", _("A country has no parent."))
    elif parent not in levels:
        row.wrong("parent_code", _("Unknown region."))
    elif _LEVELS.index(levels[parent]) >= _LEVELS.index(level):
        row.wrong("parent_code", _("Not above this level."))


def save(items: list[dict[str, Any]]) -> Saved:
    """Writes the rows and keeps `lineage` and `city` of the whole tree right."""
    regions = Region.objects.in_bulk(field_name="code")
    before = {code: _state(region) for code, region in regions.items()}
    by_pk = {region.pk: region for region in regions.values()}
    for region in by_pk.values():
        region.parent = by_pk[region.parent_id] if region.parent_id else None
    for item in items:
        region = regions.setdefault(item["code"], Region(code=item["code"]))
        assign(region, {name: item[name] for name in ("level", "name_zh", "name_en")})
        region.parent = regions[item["parent"]] if item["parent"] else None
    created = {code for code in regions if code not in before}
    for level in _LEVELS:
        _grow(regions, level, created)
    changed = {code for code, state in before.items() if _state(regions[code]) != state}
    fields = ["level", "name_zh", "name_en", "parent", "lineage", "city"]
    write(Region, [regions[code] for code in changed], fields)
    codes = {item["code"] for item in items}
    return Saved(
        created=len(created),
        changed=len(codes & changed),
        unchanged=len(codes - changed - created),
        stale=Instrument.objects.filter(institution__region__lineage__overlap=sorted(changed)),
    )


def _grow(regions: dict[str, Region], level: str, created: set[str]) -> None:
    """Lineage and city of one level, whose parents have theirs already; new ones are inserted."""
    here = [region for region in regions.values() if region.level == level]
    for region in here:
        above = region.parent
        region.lineage = [*(above.lineage if above else []), region.code]
        if level != RegionLevel.CITY:
            region.city = above.city if above else None
        elif region.pk:
            region.city = region
    new = [region for region in here if region.code in created]
    Region.objects.bulk_create(new)
    if level == RegionLevel.CITY:
        # A city is its own city, which it can say only once it has a row.
        for region in new:
            region.city = region
        write(Region, new, ["city"])


def _state(region: Region) -> tuple[object, ...]:
    names = (region.level, region.name_zh, region.name_en)
    return (*names, region.parent_id, region.city_id, tuple(region.lineage))
