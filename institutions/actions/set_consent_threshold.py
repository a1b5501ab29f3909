"""How much members spend without asking."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from institutions import permissions
from institutions.actions.leading import locked, record
from institutions.models import Project, User
from institutions.models.joining import ProjectEventKind
from institutions.models.project import MOST
from kernel.money import as_text
from kernel.refusals import NotAllowed, Refusal, Refused


def set_consent_threshold(
    *, by: User, project: Project, amount: Decimal | None, at: datetime
) -> Project:
    """Above `amount` (CNY; None: never) a member's booking waits for consent, from now on.

    For principal and deputies. Raises `NotAllowed` or `Refused('threshold_out_of_range')`.
    """
    with locked(project) as current:
        if not permissions.may_lead(by, current):
            raise NotAllowed
        if amount is not None and not 0 <= amount < MOST:
            raise Refused(
                Refusal("threshold_out_of_range", _("The threshold is zero or an amount."))
            )
        before = current.consent_above
        if amount != before:
            Project.objects.filter(pk=current.pk).update(consent_above=amount)
            current.consent_above = amount
            data = {"from": _amount(before), "to": _amount(amount)}
            record(current, ProjectEventKind.THRESHOLD_SET, by=by, at=at, data=data)
    return current


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else as_text(value)
