"""Change a booking rule: it ends, and another one takes its place on the same day."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from bookings.actions.add_rule import add_rule
from bookings.actions.end_rule import end_rule
from bookings.models import BookingRule, RuleKind
from institutions.models import User
from kernel.constraints import as_refusals


def replace_rule(
    *, by: User, rule: BookingRule, on: date, values: Mapping[str, Any], at: datetime
) -> BookingRule:
    """From `on` a rule of the same kind and place with `values` holds instead, until the day that
    was meant for the old one. Gives back the new rule.

    Raises what `add_rule` and `end_rule` raise. Locks the old rule.
    """
    with as_refusals(), transaction.atomic():
        end = BookingRule.objects.only("valid").get(pk=rule.pk).valid.upper
        ended = end_rule(by=by, rule=rule, on=on, at=at)
        return add_rule(
            by=by,
            institution=ended.institution,
            instrument=ended.instrument,
            kind=RuleKind(ended.kind),
            values=values,
            valid_from=on,
            valid_until=end and end - timedelta(days=1),
            at=at,
        )
