"""From the codes in a request to rows that anybody may name."""

from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, User
from instruments.models import Instrument
from kernel.refusals import Malformed


def instrument_named(code: str, *, field: str = "instrument") -> Instrument:
    """The instrument with its institution. Raises `Malformed` on `field`."""
    found = Instrument.objects.select_related("institution").defer("search")
    instrument = found.filter(code=code).first()
    if instrument is None:
        raise Malformed({field: [_("No such instrument.")]})
    return instrument


def institution_named(code: str, *, field: str = "institution") -> Institution:
    """Institutions are public. Raises `Malformed` on `field` for a code that names none."""
    found = Institution.objects.filter(code=code).first()
    if found is None:
        raise Malformed({field: [_("No such institution.")]})
    return found


def person_named(email: str, *, field: str = "user") -> User:
    """For callers who may name people, which is to be looked at first. Raises `Malformed`."""
    found = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if found is None:
        raise Malformed({field: [_("No such person.")]})
    return found
