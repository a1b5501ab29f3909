"""The places of a facility: one list for the navigation of all its pages."""

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution
from institutions.templatetags.yitong import row_name

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
            ("sign_offs", _("Sign-offs")),
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
            ("facility_resources", _("Resources")),
            ("facility_questions", _("Questions")),
        ),
    ),
)


# For the safety officers; everything else is for the facility's staff.
OFFICERS = {"sign_offs"}


@register.simple_tag(takes_context=True)
def facility_places(
    context: Context, institution: Institution
) -> list[tuple[Promise, list[tuple[str, Promise]]]]:
    """The groups of pages of this facility that the reader may open, each with (address, words)."""
    places = context["places"]
    is_officer = institution in places.safety
    is_staff = institution in places.facilities or not is_officer
    found = []
    for group, pages in PLACES:
        shown = [
            (reverse(name, args=[institution.code]), label)
            for name, label in pages
            if (is_officer if name in OFFICERS else is_staff)
        ]
        if shown:
            found.append((group, shown))
    return found


@register.filter
def answer_said(row: dict[str, Any]) -> str:
    """A frozen answer as it was given, choices by the names that they had."""
    answer = row["answer"]
    if isinstance(answer, bool):
        return gettext("Yes") if answer else pgettext("answer", "No")
    return row_name(row, "answer") or str(answer)
