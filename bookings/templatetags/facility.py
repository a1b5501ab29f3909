"""The places of a facility: one list for the navigation of all its pages."""

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution

register = template.Library()

# By what people come for: the day's work, what is planned, people, and how things are set up.
PLACES: tuple[tuple[Promise, tuple[tuple[str, Promise], ...]], ...] = (
    (
        _("The day"),
        (
            ("today", _("Run sheet")),
            ("approvals", _("Approvals")),
            ("facility_bookings", _("Bookings")),
            ("facility_requests", _("Requests")),
            ("usage", _("Booked and used")),
            ("problems", _("Problems")),
        ),
    ),
    (
        _("Time"),
        (
            ("closures", _("Closures")),
            ("facility_calendars", _("Opening hours")),
            ("facility_allocations", _("Allocations")),
        ),
    ),
    (
        _("People"),
        (
            ("facility_training", _("Training")),
            ("violations", _("Violations")),
        ),
    ),
    (
        _("Set-up"),
        (
            ("facility_instruments", _("Instruments")),
            ("booking_rules", _("Rules")),
        ),
    ),
)


@register.filter
def facility_places(institution: Institution) -> list[tuple[Promise, list[tuple[str, Promise]]]]:
    """The groups of pages of this facility, each with (address, words) of its pages."""
    return [
        (group, [(reverse(name, args=[institution.code]), label) for name, label in pages])
        for group, pages in PLACES
    ]
