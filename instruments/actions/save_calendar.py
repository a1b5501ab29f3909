"""Make a facility's opening calendar, or give it other hours."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.text import slugify

from institutions.models import Institution, User
from instruments.calendars import Span, save_weekly
from instruments.models import OpeningCalendar
from instruments.permissions import may_edit_calendars
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed


def save_calendar(
    *,
    by: User,
    institution: Institution | None,
    name: str,
    spans: Iterable[Span],
    name_zh: str = "",
    holiday_country: str = "",
    makeup_days: bool = False,
    calendar: OpeningCalendar | None = None,
) -> OpeningCalendar:
    """Replaces what `calendar` says; without one, makes a new one for `institution`.

    Hours are wall-clock times of the institution's zone. Bookings that stand already keep their
    time. Raises NotAllowed, or Malformed by field (`spans.N.FIELD` for the rule at place N).
    Locks the calendar's row.
    """
    owner = calendar.institution if calendar else institution
    if not may_edit_calendars(by, owner):
        raise NotAllowed
    if calendar is not None:
        slug, zone = calendar.slug, owner.timezone if owner else calendar.timezone
    elif owner is not None:
        slug, zone = new_reference(slugify(owner.code)).lower(), owner.timezone
    else:
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        return save_weekly(
            slug=slug,
            name=name.strip(),
            timezone=zone,
            spans=spans,
            holiday_country=holiday_country,
            institution=owner,
            name_zh=name_zh.strip(),
            makeup_days=makeup_days,
        )
