"""What a facility has granted: how much of it is drawn and left."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bookings import request_queries as queries
from bookings.actions.grant_allocation import change_allocation, end_allocation
from bookings.models import Allocation
from bookings.pages.facility import staffed
from bookings.pages.request_forms import ChangeGrantForm
from bookings.pages.sentences import sentence_of
from institutions.models import Institution, Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from kernel import clock
from kernel.refusals import DomainError, Malformed


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def allocations(request: HttpRequest, institution: str) -> HttpResponse:
    """Those that stand first; POST changes or ends one."""
    facility = staffed(request, institution)
    if request.method == "POST":
        _act(request, facility)
        return redirect("facility_allocations", institution=facility.code)
    page = paged(request, queries.allocations_of_facility(facility))
    context = {
        "institution": facility,
        "rows": [(one, ChangeGrantForm.of(one)) for one in page["page_obj"]],
        "may_decide": has_role(cast(User, request.user), facility, Role.FACILITY_MANAGER),
        **page,
    }
    return render(request, "bookings/allocations.html", context)


def _act(request: HttpRequest, facility: Institution) -> None:
    found = queries.allocations_of_facility(facility)
    allocation = queries.one_named(found, request.POST.get("allocation", ""))
    try:
        messages.success(request, f"{allocation.reference}: {_change(request, allocation)}")
    except Malformed as error:
        said = " ".join(str(text) for texts in error.errors.values() for text in texts)
        messages.error(request, f"{allocation.reference}: {said}")
    except DomainError as error:
        messages.error(request, f"{allocation.reference}: {sentence_of(error)}")


def _change(request: HttpRequest, allocation: Allocation) -> str:
    by, at = cast(User, request.user), clock.now()
    if request.POST.get("decision") == "end":
        end_allocation(by=by, allocation=allocation, at=at)
        return _("Ended: nothing more is drawn on it.")
    form = ChangeGrantForm(request.POST)
    if not form.is_valid():
        raise Malformed(
            {name: [str(error) for error in errors] for name, errors in form.errors.items()}
        )
    data = form.cleaned_data
    change_allocation(
        by=by,
        allocation=allocation,
        granted=data["granted"],
        valid_until=data["valid_until"],
        at=at,
    )
    return _("Changed.")
