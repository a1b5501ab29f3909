"""Let a booking rule end."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from bookings.actions.add_rule import in_the_past
from bookings.models import BookingRule
from bookings.permissions import may_set_rules
from bookings.windows import day_of
from institutions.models import User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def end_rule(*, by: User, rule: BookingRule, on: date, at: datetime) -> BookingRule:
    """From `on` (a day of the institution's zone) the rule no longer holds; one that would only
    begin then is withdrawn, and its dates are empty.

    Raises `NotAllowed`, or `Refused` with `rule_in_the_past` or `rule_is_over`. Locks the rule.
    """
    if not may_set_rules(by, rule.institution):
        raise NotAllowed
    if on < day_of(at, ZoneInfo(rule.institution.timezone)):
        raise Refused(in_the_past())
    with as_refusals(), transaction.atomic():
        # Two who end it at once, or a booking that is being counted, wait for each other here.
        locked = (
            BookingRule.objects.select_related("institution", "instrument", "hours")
            .select_for_update(no_key=True, of=("self",))
            .get(pk=rule.pk)
        )
        start, end = locked.valid.lower, locked.valid.upper
        if locked.valid.isempty or (end is not None and end <= on):
            raise Refused(Refusal("rule_is_over", _("This rule has ended by that day already.")))
        locked.valid = DateRange(start, on) if start < on else DateRange(empty=True)
        locked.ended_by, locked.ended_at = by, at
        locked.save(update_fields=["valid", "ended_by", "ended_at"])
    return locked
