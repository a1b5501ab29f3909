"""The money of a project: promised, spent, given back. Called by billing inside its transaction.

Each is one conditional UPDATE, so it takes the project's row lock for the rest of the
transaction; callers go by the lock order (after bookings, before allotments), projects by id.
"""

from decimal import Decimal

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext_lazy as _

from institutions.models import Project
from kernel.money import as_text
from kernel.refusals import Refusal, Refused


def hold_budget(*, project_id: int, amount: Decimal) -> None:
    """Promise `amount` (CNY). Raises `Refused('budget_exceeded')` where the budget is too small."""
    fits = Q(budget__isnull=True) | Q(budget__gte=F("held") + F("spent") + amount)
    if Project.objects.filter(fits, pk=project_id).update(held=F("held") + amount):
        return
    raise Refused(_too_small(Project.objects.get(pk=project_id), amount))


def budget_refusal(project: Project, amount: Decimal) -> Refusal | None:
    """Why `project`, as it was read, cannot promise `amount` (CNY), if so."""
    if project.budget is None or project.budget >= project.held + project.spent + amount:
        return None
    return _too_small(project, amount)


def _too_small(project: Project, amount: Decimal) -> Refusal:
    left = (project.budget or Decimal(0)) - project.held - project.spent
    return Refusal(
        "budget_exceeded",
        _("The project's budget has ¥%(left)s left; this needs ¥%(needed)s."),
        {"left": as_text(left), "needed": as_text(amount)},
    )


def release_budget(*, project_id: int, amount: Decimal) -> None:
    """Give `amount` of what was held back."""
    Project.objects.filter(pk=project_id).update(held=F("held") - amount)


def spend_budget(*, project_id: int, held: Decimal, spent: Decimal) -> None:
    """Turn a promise of `held` into `spent`; what the budget does not cover becomes overrun."""
    room = Coalesce(F("budget") - F("held") - F("spent") + held, Decimal(10) ** 12)
    covered = Least(room, spent)
    Project.objects.filter(pk=project_id).update(
        held=F("held") - held, spent=F("spent") + covered, overrun=F("overrun") + spent - covered
    )


def refund_budget(*, project_id: int, amount: Decimal) -> None:
    """Take back `amount` of what was spent, from the overrun first."""
    from_overrun = Least(F("overrun"), amount)
    Project.objects.filter(pk=project_id).update(
        overrun=F("overrun") - from_overrun, spent=F("spent") - amount + from_overrun
    )
