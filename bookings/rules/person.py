"""About who asks, and on whose project."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from bookings.rules.facts import Facts
from kernel.refusals import Refusal


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Training, membership and the project's own dates."""
    if facts.instrument.needs_qualification and not facts.is_qualified:
        yield Refusal("not_qualified", _("You need training on this instrument first."))
    if facts.project is None:
        return
    if not facts.is_member:
        yield Refusal(
            "not_project_member",
            _("You may not book on project %(project)s."),
            {"project": facts.project.code},
        )
    day = facts.period.start.astimezone(ZoneInfo(facts.instrument.institution.timezone)).date()
    if not facts.project.is_valid_on(day):
        yield Refusal(
            "project_not_valid",
            _("Project %(project)s is not valid on that day."),
            {"project": facts.project.code},
        )
