"""The office of the lead region admits providers to a programme, from day to day."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.days import day_of
from billing.models import Admission, Programme
from institutions.history import changed_by
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def admit_provider(
    *,
    by: User,
    programme: Programme,
    provider: Institution,
    valid_from: date,
    valid_until: date | None = None,
    at: datetime,
) -> Admission:
    """Service of `provider` counts from `valid_from` to `valid_until` (both inclusive, days of its
    zone; None: until further notice), where the terms admit only those on the list.

    Raises `NotAllowed`, or `Refused` with `dates_out_of_order`, `provides_nothing` or
    `admission_overlaps`.
    """
    if not permissions.may_lead(by, programme):
        raise NotAllowed
    _refuse_wrong_order(valid_from, valid_until)
    if not provider.instruments.exists():
        raise Refused(
            Refusal(
                "provides_nothing",
                _("%(provider)s has no instruments: is this the right institution?"),
                {"provider": provider.code},
            )
        )
    with as_refusals(), transaction.atomic(), changed_by(by):
        return Admission.objects.create(
            programme=programme,
            provider=provider,
            valid_from=valid_from,
            valid_until=valid_until,
        )


def end_admission(*, by: User, admission: Admission, last_day: date, at: datetime) -> Admission:
    """`last_day` is the last one on which the provider's service counts, from today on; what was
    promised before stays promised.

    Raises `NotAllowed`, or `Refused` with `in_the_past`, `dates_out_of_order` or `already_ended`.
    Locks the admission.
    """
    if not permissions.may_lead(by, admission.programme):
        raise NotAllowed
    with as_refusals(), transaction.atomic(), changed_by(by):
        admission = Admission.objects.select_for_update(no_key=True).get(pk=admission.pk)
        today = day_of(admission.provider, at)
        if last_day < today:
            raise Refused(Refusal("in_the_past", _("An admission ends today or later.")))
        _refuse_wrong_order(admission.valid_from, last_day)
        if admission.valid_until is not None and admission.valid_until <= last_day:
            raise Refused(Refusal("already_ended", _("The admission ends on that day already.")))
        admission.valid_until = last_day
        admission.save(update_fields=["valid_until"])
    return admission


def _refuse_wrong_order(valid_from: date, valid_until: date | None) -> None:
    if valid_until is not None and valid_until < valid_from:
        raise Refused(Refusal("dates_out_of_order", _("The admission ends before it begins.")))
