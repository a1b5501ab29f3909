"""The holder's side: what it may spend, what it has asked for, what it has shown."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing import programme_queries, queries
from billing.actions.apply_for_allotment import apply_for_allotment
from billing.actions.upload_certificate import upload_certificate
from billing.certificates import LARGEST
from billing.pages.form_page import form_page, posted
from billing.pages.office import office_of
from billing.pages.programme_forms import ApplicationForm, CertificateForm
from billing.pages.programmes import today
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock


@login_required
@require_safe
def vouchers(request: HttpRequest) -> HttpResponse:
    """Allotments of this year and later, applications, certificates, of one institution."""
    user = cast(User, request.user)
    institution, offices = office_of(request)
    allotments = programme_queries.allotments(user).filter(
        holder=institution, year__gte=today().year
    )
    context = {
        "institution": institution,
        "offices": offices,
        "allotments": allotments,
        "certificates": programme_queries.certificates(user).filter(holder=institution)[:50],
        "today": today(),
        **paged(request, programme_queries.applications(user).filter(holder=institution)),
    }
    return render(request, "billing/vouchers.html", context)


def _back(code: str) -> str:
    return f"{reverse('vouchers')}?institution={code}"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """Asks a programme for money, with certificates that were shown before."""
    user = cast(User, request.user)
    institution, _offices = office_of(request)
    programmes = list(queries.programmes(user))
    own = programme_queries.certificates(user).filter(holder=institution)
    initial: dict[str, Any] = {"year": today().year}
    named = [one for one in programmes if one.code == request.GET.get("programme")]
    if named:
        initial["programme"] = named[0]
    form = ApplicationForm(
        posted(request),
        programmes=programmes,
        certificates=list(own),
        initial=initial,
    )
    return form_page(
        request,
        form,
        lambda data: apply_for_allotment(
            by=user,
            programme=data["programme"],
            holder=institution,
            year=data["year"],
            amount=data["amount"],
            purpose=data["purpose"],
            certificates=data.get("certificates", []),
            at=clock.now(),
        ),
        title=_("Apply for vouchers"),
        button=_("Apply"),
        note=_("The programme's office decides. The amount is the cap for the whole year."),
        done=_("Applied: the office has been asked."),
        back=_back(institution.code),
        crumb=institution,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Shows a certificate."""
    user = cast(User, request.user)
    institution, _offices = office_of(request)
    form = CertificateForm(posted(request), request.FILES if request.method == "POST" else None)

    def run(data: dict[str, Any]) -> None:
        file = data.pop("file")
        # No more than can be refused for its length.
        content = file.read(LARGEST + 1)
        upload_certificate(
            by=user,
            holder=institution,
            file_name=file.name,
            content=content,
            at=clock.now(),
            **data,
        )

    return form_page(
        request,
        form,
        run,
        title=_("Show a certificate"),
        button=_("Send"),
        note=_("It counts once an office has accepted it with an application of yours."),
        done=_("The certificate is kept."),
        back=_back(institution.code),
        crumb=institution,
    )
