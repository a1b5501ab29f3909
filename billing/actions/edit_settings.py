"""How a billing office works: deposits, days for review and paying, reminders, mails."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.models import BillingSettings
from billing.models.settings import MOST_DAYS, MOST_REMINDERS
from institutions.history import changed_by
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused

EDITABLE = (
    "deposit_demanded",
    "review_days",
    "payment_days",
    "reminder_days",
    "mails_payers",
    "wants_mail",
)


def edit_settings(
    *, by: User, institution: Institution, values: Mapping[str, Any]
) -> BillingSettings:
    """Changes any of `EDITABLE`, for what is charged and issued from now on: what is charged keeps
    the last day for objecting that its payer was told. The history keeps who did.

    Raises `NotAllowed`, or `Refused` with `days_out_of_range`, `review_days_out_of_range` or
    `reminders_out_of_order`. Locks the settings.
    """
    if not permissions.is_billing_office(by, institution):
        raise NotAllowed
    Refused.unless_none(_refusals(values))
    with as_refusals(), transaction.atomic(), changed_by(by):
        BillingSettings.objects.get_or_create(institution=institution)
        found = BillingSettings.objects.select_for_update(no_key=True).get(institution=institution)
        changed = [
            name for name in EDITABLE if name in values and values[name] != getattr(found, name)
        ]
        for name in changed:
            setattr(found, name, values[name])
        if changed:
            found.save(update_fields=changed)
    return found


def _refusals(values: Mapping[str, Any]) -> Iterator[Refusal]:
    days = [values.get("payment_days", 0), *values.get("reminder_days", ())]
    if any(not 0 <= one <= MOST_DAYS for one in days):
        yield Refusal("days_out_of_range", _("Days are counted from 0 to 365."))
    review = values.get("review_days")
    if review is not None and not 1 <= review <= MOST_DAYS:
        yield Refusal(
            "review_days_out_of_range",
            _("A review takes between 1 and %(most)s days."),
            {"most": MOST_DAYS},
        )
    reminders = list(values.get("reminder_days", ()))
    if len(reminders) > MOST_REMINDERS or reminders != sorted(set(reminders)):
        yield Refusal(
            "reminders_out_of_order",
            _("At most five reminders, each after more days than the one before."),
        )
