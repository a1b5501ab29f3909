"""Change how an instrument is described and booked."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from institutions.models import User
from instruments.models import Instrument, OpeningCalendar
from instruments.permissions import may_edit
from instruments.search import refresh_search
from kernel.refusals import Malformed, NotAllowed

DESCRIPTION = (
    "name_zh",
    "name_en",
    "category",
    "techniques",
    "field",
    "manufacturer",
    "model",
    "country_of_origin",
    "imported",
    "under_customs_supervision",
    "original_value",
    "description_zh",
    "description_en",
    "location",
    "contact",
    "status",
)
RULES = (
    "access_mode",
    "attendance",
    "opening_calendar",
    "start_calendar",
    "granularity_minutes",
    "min_minutes",
    "max_minutes",
    "lead_minutes",
    "horizon_days",
    "setup_minutes",
    "teardown_minutes",
    "approval",
    "needs_qualification",
    "needs_operator",
    "operator_offset_minutes",
    "operator_minutes",
    "required_level",
    "cancel_notice_hours",
    "late_cancel_share",
    "no_show_share",
    "no_show_grace_minutes",
)
EDITABLE = (*DESCRIPTION, *RULES)
_CALENDARS = ("opening_calendar", "start_calendar")


@transaction.atomic
def edit_instrument(*, by: User, instrument: Instrument, values: Mapping[str, Any]) -> Instrument:
    """Sets `values` (of fields in `EDITABLE`) and makes the instrument found by them.

    Bookings that stand already keep the rules they were made under. Raises NotAllowed, or
    Malformed by field. Locks the instrument's row.
    """
    if not may_edit(by, instrument):
        raise NotAllowed
    if not values:
        return instrument
    unknown = set(values) - set(EDITABLE)
    if unknown:
        raise Malformed({name: [_("This cannot be changed here.")] for name in sorted(unknown)})
    foreign = [name for name in _CALENDARS if not _is_usable(values.get(name), instrument)]
    if foreign:
        raise Malformed({name: [_("This calendar is another institution's.")] for name in foreign})
    # Two people who edit different fields at once both keep their changes.
    locked = Instrument.objects.select_for_update(no_key=True).get(pk=instrument.pk)
    for name, value in values.items():
        setattr(locked, name, value)
    untouched = {field.name for field in Instrument._meta.fields} - set(values)
    try:
        locked.clean_fields(exclude=untouched)
        locked.validate_constraints()
    except ValidationError as error:
        raise Malformed({name: list(texts) for name, texts in error.message_dict.items()}) from None
    locked.save(update_fields=list(values))
    refresh_search([locked.pk])
    return locked


def _is_usable(calendar: Any, instrument: Instrument) -> bool:
    """Its own institution's calendars and the standard ones; what is none is told further on."""
    if not isinstance(calendar, OpeningCalendar):
        return True
    return calendar.institution_id in (None, instrument.institution_id)
