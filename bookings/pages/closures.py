"""A facility's closures: what is closed when, closing, and lifting."""

from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Case, F, Max, Min, Q, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from bookings.actions.close import DISPLACEABLE, Closed, close_time
from bookings.actions.lift_closure import lift_closure
from bookings.displaced import with_displaced
from bookings.models import Booking, Closure
from bookings.pages.closure_form import ClosureForm
from bookings.pages.facility import staffed
from bookings.pages.sentences import sentences_of
from institutions.models import Institution, Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from kernel import clock
from kernel.periods import Period
from kernel.refusals import DomainError, Malformed, SlotTaken


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def closures(request: HttpRequest, institution: str) -> HttpResponse:
    """What is to come first; the form beside it shows what is in the way before anything moves."""
    facility, user = staffed(request, institution), cast(User, request.user)
    context: dict[str, Any] = {"in_the_way": [], "refusals": []}
    at = clock.now()
    form = ClosureForm(request.POST or None, institution=facility, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            closed = _close(user, form, displace="displace" in request.POST)
        except SlotTaken as taken:
            found = Booking.objects.filter(reference__in=taken.bookings).with_names()
            context["in_the_way"] = list(found.order_by("during"))
            context["can_displace"] = all(one.state in DISPLACEABLE for one in found)
            if not taken.bookings:
                context["refusals"] = [_("Something else is planned for this time already.")]
        except Malformed as error:
            for texts in error.errors.values():
                form.add_error(None, [str(text) for text in texts])
        except DomainError as error:
            context["refusals"] = sentences_of(error)
        else:
            messages.success(request, _told(closed))
            return redirect("closures", institution=facility.code)
    page = paged(request, _listed(facility, at=at))
    for one in page["page_obj"]:
        one.period = Period(one.first, one.last) if one.first else None
    context |= {
        "institution": facility,
        "zone": facility.timezone,
        "form": form,
        "may_displace": has_role(user, facility, Role.FACILITY_MANAGER),
        "at": at,
        **page,
    }
    with_displaced(context["page_obj"], user)
    status = 422 if request.method == "POST" else 200
    return render(request, "bookings/closures.html", context, status=status)


def _close(user: User, form: ClosureForm, *, displace: bool) -> Closed:
    data = form.cleaned_data
    return close_time(
        by=user,
        target=data["what"],
        period=data["period"],
        kind=data["kind"],
        reason=data["reason"],
        rule=form.rule(),
        displace_bookings=displace,
        at=clock.now(),
    )


def _listed(facility: Institution, *, at: datetime) -> QuerySet[Closure]:
    """Those to come first, soonest first, then what is over, then what was lifted; each with the
    first and last of its times, lifted ones with those that were meant, and the next to begin."""
    counted = Q(occupancies__released_at=None) | Q(lifted_at__isnull=False)
    return (
        Closure.objects.filter(institution=facility)
        .select_related("instrument", "resource__person", "created_by")
        .annotate(
            first=Min("occupancies__during__startswith", filter=counted),
            last=Max("occupancies__during__endswith", filter=counted),
            next=Min(
                "occupancies__during__startswith",
                filter=Q(occupancies__released_at=None, occupancies__during__startswith__gt=at),
            ),
        )
        .annotate(
            place=Case(
                When(lifted_at__isnull=False, then=Value(2)),
                When(last__gt=at, then=Value(0)),
                default=Value(1),
            )
        )
        .order_by("place", Case(When(place=0, then=F("last"))), "-last", "-pk")
    )


def _told(closed: Closed) -> str:
    moved = sum(1 for one in closed.displaced if one.moved_to)
    cancelled = len(closed.displaced) - moved
    told = [
        ngettext("Closed: %(count)s time.", "Closed: %(count)s times.", len(closed.periods))
        % {"count": len(closed.periods)}
    ]
    if moved:
        told.append(
            ngettext("%(count)s booking moved.", "%(count)s bookings moved.", moved)
            % {"count": moved}
        )
    if cancelled:
        told.append(
            ngettext(
                "%(count)s booking cancelled without a fee.",
                "%(count)s bookings cancelled without a fee.",
                cancelled,
            )
            % {"count": cancelled}
        )
    return " ".join(told)


@login_required
@require_POST
def lift(request: HttpRequest, institution: str, reference: str) -> HttpResponse:
    """End a closure before its time."""
    facility, user = staffed(request, institution), cast(User, request.user)
    found = Closure.objects.filter(institution=facility, reference=reference).first()
    if found is None:
        raise Http404
    try:
        lift_closure(by=user, closure=found, at=clock.now())
    except DomainError as error:
        for sentence in sentences_of(error):
            messages.error(request, sentence)
    else:
        messages.success(request, _("Lifted: what is to come is free again."))
    return redirect("closures", institution=facility.code)
