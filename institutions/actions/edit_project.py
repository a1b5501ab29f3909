"""What the institution's books say of a project: name, fund, budget, days."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from institutions import permissions
from institutions.actions.leading import locked, record
from institutions.models import Project, User
from institutions.models.joining import ProjectEventKind
from institutions.models.project import MOST
from kernel.money import as_text
from kernel.refusals import NotAllowed, Refusal, Refused

EDITABLE = ("name", "fund_number", "funding_source", "budget", "valid_from", "valid_until")


def edit_project(*, by: User, project: Project, values: Mapping[str, Any], at: datetime) -> Project:
    """Changes any of `EDITABLE`: `budget` in CNY (None: no limit), both days inclusive, in the
    institution's zone. Bookings that stand keep standing; exports that were made stay as they are.

    For the institution's billing office. Raises `NotAllowed`, or `Refused` with
    `budget_out_of_range`, `budget_below_committed` or `dates_out_of_order`. Locks the project.
    """
    with locked(project) as current:
        if not permissions.may_edit_project(by, current):
            raise NotAllowed
        changed = {
            name: value
            for name, value in values.items()
            if name in EDITABLE and value != getattr(current, name)
        }
        data = {name: {"from": _said(getattr(current, name))} for name in changed}
        for name, value in changed.items():
            setattr(current, name, value)
            data[name]["to"] = _said(value)
        Refused.unless_none(_refusals(current, changed))
        if changed:
            current.save(update_fields=list(changed))
            record(current, ProjectEventKind.DETAILS_CHANGED, by=by, at=at, data=data)
    return current


def _refusals(project: Project, changed: Mapping[str, Any]) -> Iterator[Refusal]:
    budget, committed = project.budget, project.held + project.spent
    if "budget" in changed and budget is not None:
        if not 0 <= budget < MOST:
            yield Refusal("budget_out_of_range", _("The budget is zero or an amount."))
        elif budget < committed:
            yield Refusal(
                "budget_below_committed",
                _("¥%(committed)s of it is promised or spent already."),
                {"committed": as_text(committed)},
            )
    if project.valid_until and project.valid_until < project.valid_from:
        yield Refusal("dates_out_of_order", _("The project ends before it begins."))


def _said(value: Any) -> str | None:
    return None if value is None else str(value)
