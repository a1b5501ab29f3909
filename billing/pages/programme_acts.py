"""What the programme offices do, a form for each: rules, pools, admissions, allotments."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import permissions, programme_queries, queries
from billing.actions.admit_provider import admit_provider, end_admission
from billing.actions.found_programme import found_programme
from billing.actions.grant_allotment import grant_allotment
from billing.actions.set_pool import set_pool
from billing.actions.set_terms import set_terms
from billing.actions.suspend_allotment import resume_allotment, suspend_allotment
from billing.pages.act_forms import ReasonForm
from billing.pages.form_page import form_page, posted
from billing.pages.programme_forms import (
    AdmissionForm,
    AllotForm,
    LastDayForm,
    PoolForm,
)
from billing.pages.programme_rules_form import ProgrammeForm, TermsForm, said_by
from billing.pages.programmes import programme_or_404, today, year_of
from institutions.models import User
from kernel import clock

BOTH = ["GET", "HEAD", "POST"]


def _back(code: str) -> str:
    return reverse("programme", args=[code])


@login_required
@require_http_methods(BOTH)
def found(request: HttpRequest) -> HttpResponse:
    """A new programme of the reader's region, with its first rules."""
    user = cast(User, request.user)
    regions = list(permissions.funded_by(user))
    if not regions:
        raise PermissionDenied
    form = ProgrammeForm(posted(request), regions=regions, initial={"valid_from": today()})
    return form_page(
        request,
        form,
        lambda data: found_programme(
            by=user,
            **{name: data[name] for name in ("code", "name_zh", "name_en", "lead_region")},
            **form.terms(),
            at=clock.now(),
        ),
        title=_("New programme"),
        button=_("Make the programme"),
        note=_("Its rules are public. Set its pools and admit providers when it is made."),
        done=_("The programme is made."),
        back=reverse("programmes"),
        crumb=_("Voucher programmes"),
    )


@login_required
@require_http_methods(BOTH)
def terms(request: HttpRequest, code: str) -> HttpResponse:
    """A new version of the rules; it starts as a copy of the last one."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    if not permissions.may_lead(user, programme):
        raise PermissionDenied
    last = queries.terms_on(programme, today())
    initial = (said_by(last) if last else {}) | {"valid_from": today()}
    form = TermsForm(posted(request), initial=initial)
    return form_page(
        request,
        form,
        lambda data: set_terms(by=user, programme=programme, at=clock.now(), **form.terms()),
        title=_("Change the rules of %(programme)s") % {"programme": programme.code},
        button=_("Change the rules"),
        note=_(
            "The new version holds for service that starts from its first day on. The one before"
            " ends the day before; what bookings were promised stays as it was."
        ),
        done=_("The rules are changed."),
        back=_back(code),
        crumb=programme,
    )


@login_required
@require_http_methods(BOTH)
def pool(request: HttpRequest, code: str) -> HttpResponse:
    """What a region sets aside for its own holders in a year."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    regions = list(permissions.funded_by(user))
    if not regions:
        raise PermissionDenied
    form = PoolForm(posted(request), regions=regions, initial={"year": year_of(request)})
    return form_page(
        request,
        form,
        lambda data: set_pool(by=user, programme=programme, at=clock.now(), **data),
        title=_("Set the pool"),
        note=_("What the region pays for its own holders in a year, all bookings together."),
        done=_("The pool is set."),
        back=_back(code),
        crumb=programme,
    )


@login_required
@require_http_methods(BOTH)
def admit(request: HttpRequest, code: str) -> HttpResponse:
    """A provider is put on the programme's list."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    if not permissions.may_lead(user, programme):
        raise PermissionDenied
    form = AdmissionForm(posted(request), initial={"valid_from": today()})
    return form_page(
        request,
        form,
        lambda data: admit_provider(by=user, programme=programme, at=clock.now(), **data),
        title=_("Admit a provider"),
        note=_("Both days are inclusive. The list counts where the rules admit only those on it."),
        done=_("Admitted."),
        back=_back(code),
        crumb=programme,
    )


@login_required
@require_http_methods(BOTH)
def end(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The last day of an admission."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    if not permissions.may_lead(user, programme):
        raise PermissionDenied
    found = programme_queries.admissions(user).filter(programme=programme)
    admission = get_object_or_404(found, pk=pk)
    form = LastDayForm(posted(request), initial={"last_day": today()})
    return form_page(
        request,
        form,
        lambda data: end_admission(by=user, admission=admission, at=clock.now(), **data),
        title=_("End the admission of %(provider)s") % {"provider": admission.provider},
        button=_("End the admission"),
        tone="lose",
        done=_("The admission ends."),
        back=_back(code),
        crumb=programme,
    )


@login_required
@require_http_methods(BOTH)
def allot(request: HttpRequest, code: str) -> HttpResponse:
    """An allotment without an application, or another cap for one."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    if not permissions.may_see_redemptions(user, programme):
        raise PermissionDenied
    form = AllotForm(
        posted(request),
        initial={"year": year_of(request), "holder": request.GET.get("holder", "")},
    )
    return form_page(
        request,
        form,
        lambda data: grant_allotment(by=user, programme=programme, at=clock.now(), **data),
        title=_("Grant an allotment"),
        note=_("Whoever has one for that year gets this cap instead."),
        done=_("The allotment is granted."),
        back=_back(code),
        crumb=programme,
    )


@login_required
@require_http_methods(BOTH)
def turn(request: HttpRequest, code: str, pk: int, verb: str) -> HttpResponse:
    """Suspends an allotment, or lets it be used again."""
    user, programme = cast(User, request.user), programme_or_404(request, code)
    if verb not in ("suspend", "resume"):
        raise Http404
    found = programme_queries.allotments(user).filter(programme=programme)
    allotment = get_object_or_404(found, pk=pk)
    if not permissions.may_see_redemptions(user, programme):
        raise PermissionDenied
    suspends = verb == "suspend"
    action = suspend_allotment if suspends else resume_allotment
    title = _("Suspend the allotment of %(holder)s") if suspends else _("Resume that of %(holder)s")
    return form_page(
        request,
        ReasonForm(posted(request)),
        lambda data: action(by=user, allotment=allotment, at=clock.now(), **data),
        title=title % {"holder": allotment.holder},
        button=_("Suspend") if suspends else _("Resume"),
        tone="lose" if suspends else "primary",
        note=_("Nothing new is held on it; what bookings were promised stays.") if suspends else "",
        done=_("Suspended.") if suspends else _("Resumed."),
        back=_back(code),
        crumb=programme,
    )
