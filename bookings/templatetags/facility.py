"""The places of a facility: one list for the navigation of all its pages."""

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution

register = template.Library()

# Names of pages in the order of a facility's day, then of its year.
PLACES: tuple[tuple[str, Promise], ...] = (
    ("approvals", _("Approvals")),
    ("facility_bookings", _("Bookings")),
    ("closures", _("Closures")),
    ("facility_calendars", _("Opening hours")),
)


@register.filter
def facility_places(institution: Institution) -> list[tuple[str, Promise]]:
    """(address, words) of each page of this facility."""
    return [(reverse(name, args=[institution.code]), label) for name, label in PLACES]
