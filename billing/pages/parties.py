"""Who is related to whom, and who stands under one hand."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import programme_queries
from billing.pages.form_page import form_page, posted
from billing.pages.programme_forms import GroupForm, MemberForm, RelateForm
from bookings.pages.sentences import sentence_of
from institutions.actions.relate_parties import (
    form_group,
    join_group,
    leave_group,
    relate_parties,
    unrelate_parties,
)
from institutions.models import GroupMember, User
from institutions.pages.paging import paged
from institutions.permissions import is_programme_officer
from kernel import clock
from kernel.refusals import DomainError

BOTH = ["GET", "HEAD", "POST"]


def _officer(request: HttpRequest) -> User:
    user = cast(User, request.user)
    if not is_programme_officer(user):
        raise PermissionDenied
    return user


@login_required
@require_safe
def parties(request: HttpRequest) -> HttpResponse:
    """The ties and groups of those that are registered in the office's region."""
    user = _officer(request)
    context = {
        "groups": programme_queries.groups(user)[:100],
        **paged(request, programme_queries.related_parties(user)),
    }
    return render(request, "billing/parties.html", context)


@login_required
@require_http_methods(BOTH)
def relate(request: HttpRequest) -> HttpResponse:
    user = _officer(request)
    return form_page(
        request,
        RelateForm(posted(request)),
        lambda data: relate_parties(by=user, at=clock.now(), **data),
        title=_("Add related parties"),
        note=_("Vouchers of programmes that exclude related parties pay nothing between them."),
        done=_("Noted."),
        back=reverse("parties"),
    )


@login_required
@require_http_methods(BOTH)
def group(request: HttpRequest) -> HttpResponse:
    user = _officer(request)

    def run(data: dict[str, Any]) -> None:
        institutions = [data.pop("one"), data.pop("other")]
        form_group(by=user, institutions=institutions, at=clock.now(), **data)

    return form_page(
        request,
        GroupForm(posted(request)),
        run,
        title=_("Add a controlling group"),
        note=_("A programme may count its yearly cap for all of a group."),
        done=_("Noted."),
        back=reverse("parties"),
    )


@login_required
@require_http_methods(BOTH)
def member(request: HttpRequest, pk: int) -> HttpResponse:
    user = _officer(request)
    found = get_object_or_404(programme_queries.groups(user), pk=pk)
    return form_page(
        request,
        MemberForm(posted(request)),
        lambda data: join_group(by=user, group=found, at=clock.now(), **data),
        title=_("Add a member of %(group)s") % {"group": found},
        button=_("Add the member"),
        done=_("Noted."),
        back=reverse("parties"),
    )


@login_required
@require_POST
def untie(request: HttpRequest) -> HttpResponse:
    """Takes away the tie, or the member, that the form names."""
    user = _officer(request)
    try:
        if "member" in request.POST:
            groups = programme_queries.groups(user).values("pk")
            rows = GroupMember.objects.filter(group__in=groups).select_related("group")
            leave_group(
                by=user, member=get_object_or_404(rows, pk=request.POST["member"]), at=clock.now()
            )
        else:
            ties = programme_queries.related_parties(user).select_related("a__region", "b__region")
            related = get_object_or_404(ties, pk=request.POST.get("tie") or 0)
            unrelate_parties(by=user, related=related, at=clock.now())
    except DomainError as error:
        messages.error(request, sentence_of(error))
    else:
        messages.success(request, _("Taken away; the history keeps it."))
    return redirect("parties")
