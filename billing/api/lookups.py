"""From the codes in a request to the rows that the caller may name."""

from django.http import Http404
from django.utils.translation import gettext_lazy as _

from billing import queries
from billing.models import Charge, Statement
from institutions.models import User
from kernel.refusals import Malformed


def charge_named(reference: str, user: User) -> Charge:
    """A charge that the caller may see; 404 otherwise."""
    found = queries.charges(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


def statement_named(reference: str, user: User) -> Statement:
    """A statement that the caller may see; 404 otherwise."""
    found = queries.statements(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


def statement_in_body(reference: str, user: User) -> Statement:
    """One that the caller may see, named in a body. Raises `Malformed` (400) otherwise."""
    found = queries.statements(user).filter(reference=reference).first()
    if found is None:
        raise Malformed({"statement": [_("No such statement.")]})
    return found
