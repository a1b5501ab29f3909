"""What stands on an institution's statements: credit code, bank, address."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from institutions import permissions
from institutions.history import changed_by
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused

EDITABLE = ("credit_code", "address", "phone", "bank_name", "bank_account")


def edit_billing_details(
    *, by: User, institution: Institution, values: Mapping[str, Any]
) -> Institution:
    """Changes any of `EDITABLE`; the VAT rate is dated, so `set_vat_rate` changes it.

    For the institution's administrators. Raises `NotAllowed`, or `Refused` with
    `credit_code_invalid` or `credit_code_taken`. The history keeps who changed what. Locks the
    institution.
    """
    if not permissions.may_edit_billing_details(by, institution):
        raise NotAllowed
    wanted = {name: value for name, value in values.items() if name in EDITABLE}
    with as_refusals(), transaction.atomic(), changed_by(by):
        locked = Institution.objects.select_for_update(no_key=True).get(pk=institution.pk)
        changed = {name: value for name, value in wanted.items() if value != getattr(locked, name)}
        Refused.unless_none(_refusals(locked, changed))
        for name, value in changed.items():
            setattr(locked, name, value)
        if changed:
            locked.save(update_fields=list(changed))
    return locked


def _refusals(institution: Institution, changed: Mapping[str, Any]) -> Iterator[Refusal]:
    code = changed.get("credit_code", "")
    if code and not uscc.is_valid(code):
        yield Refusal("credit_code_invalid", _("This is no valid unified social credit code."))
    others = Institution.objects.exclude(pk=institution.pk)
    if code and others.filter(credit_code=code).exists():
        yield Refusal("credit_code_taken", _("Another institution has this code."))
