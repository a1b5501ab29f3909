"""An institution's own projects: what its books say of them."""

from typing import Any, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from billing.pages.form_page import form_page, posted
from billing.pages.office import office_of
from billing.pages.programme_forms import DaysForm, day_field
from institutions.actions.edit_project import EDITABLE, edit_project
from institutions.models import Project, ProjectEvent, User
from institutions.models.joining import ProjectEventKind
from institutions.pages.paging import paged
from institutions.permissions import may_edit_project
from kernel import clock

LATEST = 20


class ProjectForm(DaysForm):
    """The plain fields of a project."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    fund_number = forms.CharField(
        label=gettext_lazy("Fund number"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Stands in the next exports of internal transfers."),
    )
    funding_source = forms.CharField(
        label=gettext_lazy("Funding source"), max_length=100, required=False
    )
    budget = forms.DecimalField(
        label=gettext_lazy("Budget (CNY)"),
        max_digits=14,
        decimal_places=2,
        min_value=0,
        required=False,
        help_text=gettext_lazy("Empty: no limit."),
    )
    valid_from = day_field(gettext_lazy("First day"))
    valid_until = day_field(gettext_lazy("Last day (may stay empty)"), required=False)


@login_required
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """All of the institution, by code; `q` looks in code, name and fund number."""
    institution, offices = office_of(request)
    found = Project.objects.filter(institution=institution).select_related("principal")
    words = request.GET.get("q", "").strip()[:100]
    if words:
        found = found.filter(
            Q(code__icontains=words) | Q(name__icontains=words) | Q(fund_number__icontains=words)
        )
    context = {
        "institution": institution,
        "offices": offices,
        "q": words,
        **paged(request, found.order_by("code")),
    }
    return render(request, "billing/projects.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project(request: HttpRequest, institution: str, code: str) -> HttpResponse:
    """Edits one, with what was changed before; 404 for a stranger, 403 for its own people."""
    user = cast(User, request.user)
    seen = Project.objects.filter(pk__in=Project.objects.visible_to(user).values("pk"))
    found = get_object_or_404(
        seen.select_related("institution"), institution__code=institution, code=code
    )
    if not may_edit_project(user, found):
        raise PermissionDenied
    initial = {name: getattr(found, name) for name in EDITABLE}
    form = ProjectForm(posted(request), initial=initial)
    return form_page(
        request,
        form,
        # Only what was changed here, so that of two who edit at once neither undoes the other.
        lambda data: edit_project(
            by=user,
            project=found,
            values={name: data[name] for name in form.changed_data},
            at=clock.now(),
        ),
        title=f"{found.code} · {found.name}",
        button=_("Save"),
        note=_("Bookings that stand keep standing, and exports that were made stay as they are."),
        done=_("Saved."),
        back=f"{reverse('billing_projects')}?institution={institution}",
        crumb=_("Projects"),
        template="billing/project.html",
        zone=found.institution.timezone,
        labels={name: form.fields[name].label for name in EDITABLE},
        history=_history(found),
    )


def _history(project: Project) -> list[tuple[ProjectEvent, list[tuple[str, dict[str, Any]]]]]:
    events = project.events.filter(kind=ProjectEventKind.DETAILS_CHANGED).select_related("by")
    return [(event, list(event.data.items())) for event in events[:LATEST]]
