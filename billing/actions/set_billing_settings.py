"""How an institution's billing office works."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.history import changed_by
from billing.models import BillingSettings
from billing.models.settings import MOST_REVIEW_DAYS
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def set_billing_settings(
    *, by: User, institution: Institution, review_days: int | None
) -> BillingSettings:
    """For charges made from now on: what is charged keeps the last day for objecting that its
    payer was told. `review_days` are calendar days, None: nothing is approved by itself.

    For the institution's billing office. Raises `NotAllowed`, or `Refused` with
    `review_days_out_of_range`. The history keeps who changed what. Locks the row.
    """
    if not permissions.may_set_billing_settings(by, institution):
        raise NotAllowed
    if review_days is not None and not 1 <= review_days <= MOST_REVIEW_DAYS:
        raise Refused(
            Refusal(
                "review_days_out_of_range",
                _("A review takes between 1 and %(most)s days."),
                {"most": MOST_REVIEW_DAYS},
            )
        )
    with as_refusals(), transaction.atomic(), changed_by(by):
        BillingSettings.objects.get_or_create(institution=institution)
        row = BillingSettings.objects.select_for_update(no_key=True).get(institution=institution)
        if row.review_days != review_days:
            row.review_days = review_days
            row.save(update_fields=["review_days"])
    return row
