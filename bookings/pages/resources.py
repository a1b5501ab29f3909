"""What a facility books out besides its instruments: accessories, people, set-ups, seats."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from bookings import permissions
from bookings.pages.facility import staffed
from bookings.pages.resource_forms import KINDS
from bookings.pages.sentences import sentences_of
from institutions.models import User
from kernel import clock
from kernel.refusals import DomainError, Malformed


@login_required
@require_safe
def resources(request: HttpRequest, institution: str) -> HttpResponse:
    """All of them, by kind; those in service first."""
    facility = staffed(request, institution)
    context = {
        "institution": facility,
        "may_manage": permissions.may_manage(cast(User, request.user), facility),
        **{name: list(kind.rows(facility)) for name, kind in KINDS.items()},
    }
    return render(request, "bookings/resources.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, institution: str, kind: str, pk: int | None = None) -> HttpResponse:
    """Make one (without `pk`) or change it; retiring is taking it out of service."""
    facility, user, shape = staffed(request, institution), cast(User, request.user), KINDS.get(kind)
    if shape is None or (pk is None and not shape.can_be_made):
        raise Http404
    if not permissions.may_manage(user, facility):
        raise PermissionDenied
    row = get_object_or_404(shape.rows(facility), pk=pk) if pk is not None else None
    form = shape.form(request.POST or None, facility=facility, row=row)
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            form.save(user, clock.now())
        except Malformed as error:
            for name, texts in error.errors.items():
                form.add_error(name if name in form.fields else None, [str(one) for one in texts])
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("facility_resources", institution=facility.code)
    context = {
        "institution": facility,
        "kind": shape,
        "row": row,
        "form": form,
        "refusals": refusals,
    }
    status = 422 if refusals or form.errors else 200
    return render(request, "bookings/resource_form.html", context, status=status)
