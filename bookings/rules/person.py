"""About who asks, and on whose project."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from bookings.rules.facts import Facts
from kernel.refusals import Refusal


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Training, conduct, membership and the project's own dates."""
    yield from _training(facts)
    yield from _conduct(facts)
    yield from _projects(facts)


def _projects(facts: Facts) -> Iterator[Refusal]:
    day = facts.period.start.astimezone(facts.zone).date()
    found = {facts.project.pk: facts.project} if facts.project else {}
    for project in (found | {share.project.pk: share.project for share in facts.splits}).values():
        if project.pk not in facts.projects:
            yield Refusal(
                "not_project_member",
                _("You may not book on project %(project)s."),
                {"project": project.code},
            )
        if not project.is_valid_on(day):
            yield Refusal(
                "project_not_valid",
                _("Project %(project)s is not valid on that day."),
                {"project": project.code},
            )


def _training(facts: Facts) -> Iterator[Refusal]:
    is_trained = facts.is_qualified or facts.terms.welcomes_the_untrained
    if not facts.instrument.needs_qualification or is_trained:
        return
    needed, held = facts.instrument.required_level, facts.held_level
    text = _("You need training on this instrument first.")
    if held:
        text = _("You need training of level %(needed)s here; you hold level %(held)s on that day.")
    elif needed > 1:
        text = _("You need training of level %(needed)s on this instrument first.")
    yield Refusal("not_qualified", text, {"needed": needed, "held": held})


def _conduct(facts: Facts) -> Iterator[Refusal]:
    if facts.suspended is None:
        return
    yield Refusal(
        "suspended",
        _(
            "You are suspended at %(institution)s until %(until)s, after %(count)s violations;"
            " you can appeal against each of them."
        ),
        {
            "institution": facts.instrument.institution.code,
            "until": facts.suspended.until.isoformat(),
            "count": facts.suspended.count,
        },
    )
