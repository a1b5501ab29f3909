"""Somebody may use an instrument, or the instruments of a technique, from now on."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, User
from instruments.models import Instrument, Qualification
from instruments.permissions import may_grant
from kernel.constraints import as_refusals
from kernel.periods import day_in
from kernel.refusals import NotAllowed, Refusal, Refused


def grant_qualification(
    *,
    by: User,
    user: User,
    instrument: Instrument | None = None,
    technique: str = "",
    institution: Institution | None = None,
    level: int = 1,
    valid_until: date | None = None,
    at: datetime,
) -> Qualification:
    """On `instrument`, or on `technique` in the name of `institution`; renewing only extends.

    `valid_until` is the last day in the institution's zone. Raises NotAllowed, or Refused with
    `already_over`. Locks the qualification that it renews.
    """
    place = instrument.institution if instrument else institution
    if place is None or not may_grant(by, place):
        raise NotAllowed
    Refused.unless_none(not_over(valid_until, place, at=at))
    with as_refusals(), transaction.atomic():
        return renew(
            by=by,
            user=user,
            instrument=instrument,
            technique=technique,
            institution=None if instrument else institution,
            level=level,
            valid_until=valid_until,
            at=at,
        )


def not_over(valid_until: date | None, place: Institution, *, at: datetime) -> list[Refusal]:
    """Why a qualification until that day would be of no use."""
    if valid_until is None or valid_until >= day_in(place.timezone, at):
        return []
    return [Refusal("already_over", _("The last day of the training lies in the past."))]


def renew(
    *,
    by: User,
    user: User,
    instrument: Instrument | None = None,
    technique: str = "",
    institution: Institution | None = None,
    level: int,
    valid_until: date | None,
    at: datetime,
) -> Qualification:
    """Inside the caller's transaction, who has seen to it that `by` may do this.

    A new level is a row of its own; a row that is there is never shortened. Locks it.
    """
    row, is_new = Qualification.objects.select_for_update(no_key=True).get_or_create(
        user=user,
        instrument=instrument,
        technique=technique,
        institution=institution,
        level=level,
        defaults={"valid_until": valid_until, "granted_by": by, "granted_at": at},
    )
    if not is_new:
        row.valid_until = _later(row.valid_until, valid_until)
        row.granted_by, row.granted_at = by, at
        row.save(update_fields=["valid_until", "granted_by", "granted_at"])
    return row


def _later(one: date | None, other: date | None) -> date | None:
    return None if one is None or other is None else max(one, other)


def end_qualification(*, by: User, qualification: Qualification, at: datetime) -> Qualification:
    """It counted until yesterday; what it was stays in its history.

    Raises NotAllowed, or Refused with `already_over`. Locks the qualification.
    """
    with as_refusals(), transaction.atomic():
        row = (
            Qualification.objects.select_for_update(no_key=True, of=("self",))
            .select_related("instrument__institution", "institution", "user", "granted_by")
            .get(pk=qualification.pk)
        )
        place = row.granting_institution
        if not may_grant(by, place):
            raise NotAllowed
        Refused.unless_none(not_over(row.valid_until, place, at=at))
        row.valid_until = day_in(place.timezone, at) - timedelta(days=1)
        row.save(update_fields=["valid_until"])
    return row
