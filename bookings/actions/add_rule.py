"""Put a booking rule in force from a day on."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.models import BookingRule, RuleKind
from bookings.models.rule_shapes import COLUMNS
from bookings.permissions import may_set_rules
from bookings.rules import shape
from bookings.windows import day_of
from institutions.models import Institution, User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed, Refusal, Refused

SETTABLE = (*COLUMNS, "user_classes", "note")


def add_rule(
    *,
    by: User,
    institution: Institution,
    kind: RuleKind,
    values: Mapping[str, Any],
    valid_from: date,
    valid_until: date | None = None,
    instrument: Instrument | None = None,
    at: datetime,
) -> BookingRule:
    """Adds a rule of the facility, or of one of its instruments, for bookings that start from
    `valid_from` to `valid_until` (both inclusive, days of the institution's zone).

    `values` are of `SETTABLE`, in the units of `BookingRule`. Bookings that stand keep the rules
    they were made under. Raises `NotAllowed`, `Malformed` by field, or `Refused` with
    `rule_in_the_past` or `rule_overlaps`.
    """
    if not may_set_rules(by, institution):
        raise NotAllowed
    values = {name: values[name] for name in SETTABLE if values.get(name) not in (None, "")}
    values["user_classes"] = sorted(set(values.get("user_classes", ())))
    _refuse_malformed(kind, values, institution, instrument, valid_from, valid_until)
    if valid_from < day_of(at, ZoneInfo(institution.timezone)):
        raise Refused(in_the_past())
    with as_refusals(), transaction.atomic():
        return BookingRule.objects.create(
            institution=institution,
            instrument=instrument,
            kind=kind,
            valid=DateRange(valid_from, _after(valid_until)),
            created_by=by,
            created_at=at,
            **values,
        )


def in_the_past() -> Refusal:
    return Refusal("rule_in_the_past", _("A rule can change from today on, not before."))


def _after(last: date | None) -> date | None:
    return None if last is None else last + timedelta(days=1)


def _refuse_malformed(
    kind: RuleKind,
    values: Mapping[str, Any],
    institution: Institution,
    instrument: Instrument | None,
    valid_from: date,
    valid_until: date | None,
) -> None:
    errors: dict[str, list[str | Promise]] = {}
    for name, text in shape.wrongs(kind, values, for_one=instrument is not None):
        errors.setdefault(name, []).append(text)
    if instrument is not None and instrument.institution_id != institution.pk:
        errors["instrument"] = [_("This is an instrument of another facility.")]
    hours = values.get("hours")
    if hours is not None and hours.institution_id not in (None, institution.pk):
        errors["hours"] = [_("This calendar belongs to another facility.")]
    if valid_until is not None and valid_until < valid_from:
        errors["valid_until"] = [_("The last day is not before the first.")]
    if errors:
        raise Malformed(errors)
