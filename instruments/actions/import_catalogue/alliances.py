"""Named sets of regions."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from institutions.models import Alliance, Region
from instruments.actions.import_catalogue.sheets import (
    Row,
    list_of,
    unknown_among,
    without_duplicates,
)
from instruments.actions.import_catalogue.upsert import BATCH, Saved, upsert
from instruments.models import Instrument

COLUMNS = ("code", "name_zh", "name_en", "region_codes")
_CODE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,19}")


def check(rows: list[Row]) -> list[dict[str, Any]]:
    regions = dict(Region.objects.values_list("code", "pk"))
    items = [(row, _read(row, regions)) for row in without_duplicates(rows, "code")]
    return [item for row, item in items if not row.problems]


def _read(row: Row, regions: dict[str, int]) -> dict[str, Any]:
    codes = list_of(row.cells["region_codes"])
    unknown = unknown_among(codes, regions)
    if not codes:
        row.wrong("region_codes", _("Missing."))
    elif unknown:
        row.wrong("region_codes", _("Unknown: %(codes)s.") % {"codes": ", ".join(unknown)})
    return {
        "code": row.matching("code", _CODE, _("Not a code of letters and digits.")),
        "name_zh": row.text("name_zh", Alliance, "name_zh"),
        "name_en": row.text("name_en", Alliance, "name_en"),
        "regions": {regions[code] for code in codes if code in regions},
    }


def save(items: list[dict[str, Any]]) -> Saved:
    names = ("name_zh", "name_en")
    rows = {item["code"]: {name: item[name] for name in names} for item in items}
    done = upsert(Alliance, rows)
    wanted = {
        (done.objects[item["code"]].pk, region) for item in items for region in item["regions"]
    }
    moved = _set_members({alliance.pk for alliance in done.objects.values()}, wanted)
    changed = done.changed | {code for code, made in done.objects.items() if made.pk in moved}
    return Saved(
        created=len(done.created),
        changed=len(changed - done.created),
        unchanged=len(rows) - len(changed | done.created),
        stale=Instrument.objects.none(),
    )


def _set_members(alliances: set[int], wanted: set[tuple[int, int]]) -> set[int]:
    """Makes (alliance, region) pairs be exactly `wanted`; returns the alliances that changed."""
    through = Alliance.regions.through
    rows = through._default_manager.filter(alliance__in=alliances)
    present = {(alliance, region): pk for pk, alliance, region in rows.values_list()}
    gone = [pk for pair, pk in present.items() if pair not in wanted]
    if gone:
        through._default_manager.filter(pk__in=gone).delete()
    missing = sorted(wanted - set(present))
    through._default_manager.bulk_create(
        [through(alliance_id=alliance, region_id=region) for alliance, region in missing],
        batch_size=BATCH,
    )
    return {alliance for alliance, _region in wanted ^ set(present)}
