"""How many violations are too many: a dated rule of the institution."""

from datetime import date, datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.models import SuspensionRule
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.periods import day_in
from kernel.refusals import NotAllowed, Refusal, Refused


def set_suspension_rule(
    *,
    by: User,
    institution: Institution,
    after_count: int,
    within_days: int,
    suspend_days: int,
    valid_from: date,
    at: datetime,
) -> SuspensionRule:
    """In force from `valid_from` on, a day of the institution's zone; what was ends the day before.

    Raises `NotAllowed`, or `Refused` with `rule_in_the_past` or `rule_overlaps`. Locks the rules
    that it ends.
    """
    with as_refusals(), transaction.atomic():
        _end(by, institution, valid_from, at=at)
        return SuspensionRule.objects.create(
            institution=institution,
            after_count=after_count,
            within_days=within_days,
            suspend_days=suspend_days,
            valid=DateRange(valid_from, None),
            set_by=by,
            set_at=at,
        )


def end_suspension_rule(*, by: User, institution: Institution, end: date, at: datetime) -> None:
    """From the day `end` on nobody is suspended by a rule. Raises as `set_suspension_rule`."""
    with as_refusals(), transaction.atomic():
        _end(by, institution, end, at=at)


def _end(by: User, institution: Institution, day: date, *, at: datetime) -> None:
    """Nothing of what is in force or to come is left from `day` on."""
    if not permissions.is_manager(by, institution):
        raise NotAllowed
    if day < day_in(institution.timezone, at):
        raise Refused(Refusal("rule_in_the_past", _("A rule changes today or later, not before.")))
    rules = SuspensionRule.objects.filter(
        institution=institution, valid__overlap=DateRange(day, None)
    )
    for rule in rules.order_by("pk").select_for_update(no_key=True):
        started = rule.valid.lower < day
        rule.valid = DateRange(rule.valid.lower, day) if started else DateRange(empty=True)
        rule.save(update_fields=["valid"])
