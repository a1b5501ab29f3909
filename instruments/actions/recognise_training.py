"""A facility lets the training of other institutions count, and takes that back."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, User
from instruments.models import Recognition
from instruments.permissions import may_grant
from kernel.constraints import as_refusals
from kernel.periods import day_in
from kernel.refusals import NotAllowed, Refusal, Refused


def recognise_training(
    *,
    by: User,
    institution: Institution,
    granting: Institution | None = None,
    technique: str = "",
    valid_from: date,
    valid_until: date | None = None,
    at: datetime,
) -> Recognition:
    """`institution` accepts what `granting` (None: anybody) taught; both days are inclusive.

    Raises NotAllowed, or Refused with `own_training`, `recognition_in_the_past`,
    `days_out_of_order` or `already_recognised`.
    """
    if not may_grant(by, institution):
        raise NotAllowed
    today = day_in(institution.timezone, at)
    found = []
    if granting is not None and granting.pk == institution.pk:
        found.append(Refusal("own_training", _("The facility's own training counts anyway.")))
    if valid_from < today:
        found.append(
            Refusal("recognition_in_the_past", _("Recognition begins today or later, not before."))
        )
    if valid_until is not None and valid_until < valid_from:
        found.append(Refusal("days_out_of_order", _("The last day comes after the first.")))
    Refused.unless_none(found)
    end = None if valid_until is None else valid_until + timedelta(days=1)
    with as_refusals(), transaction.atomic():
        return Recognition.objects.create(
            institution=institution,
            granting=granting,
            technique=technique,
            valid=DateRange(valid_from, end),
            made_by=by,
            made_at=at,
        )


def end_recognition(*, by: User, recognition: Recognition, at: datetime) -> Recognition:
    """Today is its last day; one that has not begun never does.

    Bookings that rest on it are flagged from then on. Raises NotAllowed, or Refused with
    `already_over`. Locks the recognition.
    """
    with as_refusals(), transaction.atomic():
        row = (
            Recognition.objects.select_related("institution", "granting")
            .select_for_update(no_key=True, of=("self",))
            .get(pk=recognition.pk)
        )
        if not may_grant(by, row.institution):
            raise NotAllowed
        tomorrow = day_in(row.institution.timezone, at) + timedelta(days=1)
        if row.valid.isempty or (row.valid.upper and row.valid.upper <= tomorrow):
            raise Refused(Refusal("already_over", _("It ends today or has ended already.")))
        if row.valid.lower >= tomorrow:
            row.valid = DateRange(empty=True)
        else:
            row.valid = DateRange(row.valid.lower, tomorrow)
        row.save(update_fields=["valid"])
    return row
