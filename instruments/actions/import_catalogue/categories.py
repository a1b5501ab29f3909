"""The national classes of instruments and their sub-classes."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from instruments.actions.import_catalogue.sheets import Row, list_of, without_duplicates
from instruments.actions.import_catalogue.upsert import Saved, Upserted, upsert
from instruments.models import Category, Instrument

COLUMNS = ("code", "name_zh", "name_en", "subcategories_zh")
# Sub-classes without it keep the English names that they have.
OPTIONAL = ("subcategories_en",)
OTHER = "其他"
_CODE = re.compile("[0-9]{2}")
_MOST = 98


def check(rows: list[Row]) -> list[dict[str, Any]]:
    items = [(row, _read(row)) for row in without_duplicates(rows, "code")]
    return [item for row, item in items if not row.problems]


def _read(row: Row) -> dict[str, Any]:
    chinese = list_of(row.cells["subcategories_zh"])
    english = list_of(row.cells["subcategories_en"]) if row.has("subcategories_en") else None
    if len(set(chinese)) < len(chinese):
        row.wrong("subcategories_zh", _("The same sub-class twice."))
    if len(chinese) > _MOST:
        row.wrong("subcategories_zh", _("Too many sub-classes."))
    if english is not None and len(english) != len(chinese):
        row.wrong("subcategories_en", _("Not as many as in Chinese."))
    code = row.matching("code", _CODE, _("Not two digits."))
    names = english or [""] * len(chinese)
    subclasses = {}
    for position, (name_zh, name_en) in enumerate(zip(chinese, names, strict=False), start=1):
        values = {"name_zh": name_zh} | ({"name_en": name_en} if name_en else {})
        subclasses[code + ("99" if name_zh == OTHER else f"{position:02}")] = values
    return {
        "code": code,
        "name_zh": row.text("name_zh", Category, "name_zh"),
        "name_en": row.text("name_en", Category, "name_en"),
        "subclasses": subclasses,
    }


def save(items: list[dict[str, Any]]) -> Saved:
    """Writes classes, then sub-classes. Counts rows, so a class together with its sub-classes."""
    names = ("name_zh", "name_en")
    classes = upsert(Category, {i["code"]: {name: i[name] for name in names} for i in items})
    subclasses = upsert(
        Category,
        {
            code: {**values, "parent_id": classes.objects[item["code"]].pk}
            for item in items
            for code, values in item["subclasses"].items()
        },
    )
    touched = {code[:2] for code in subclasses.created | subclasses.changed} | classes.changed
    return Saved(
        created=len(classes.created),
        changed=len(touched - classes.created),
        unchanged=len(items) - len(touched | classes.created),
        stale=Instrument.objects.filter(category__in=_renamed(classes, subclasses)),
    )


def _renamed(classes: Upserted[Category], subclasses: Upserted[Category]) -> list[int]:
    return [
        category.pk
        for code, category in (classes.objects | subclasses.objects).items()
        if code in subclasses.changed or code[:2] in classes.changed
    ]
