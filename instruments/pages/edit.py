"""A facility's instruments, and the page on which its manager edits one."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from institutions.models import Institution, Role, User
from institutions.pages.paging import paged
from institutions.permissions import has_role
from instruments.actions.edit_instrument import DESCRIPTION, EDITABLE, RULES, edit_instrument
from instruments.models import Category, Instrument, OpeningCalendar
from instruments.permissions import may_edit
from kernel.refusals import Malformed


class InstrumentForm(forms.ModelForm):
    """Every field that its manager may change; what the form says is the action's to judge."""

    class Meta:
        model = Instrument
        fields = EDITABLE
        widgets = {
            "description_zh": forms.Textarea(attrs={"rows": 3}),
            "description_en": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        category = cast(forms.ModelChoiceField, self.fields["category"])
        category.queryset = Category.objects.exclude(parent=None)
        self.fields["techniques"].help_text = _("Separated by commas.")
        without = {"opening_calendar": _("Around the clock"), "start_calendar": _("Any time")}
        for name, words in without.items():
            field = cast(forms.ModelChoiceField, self.fields[name])
            field.empty_label = words
            field.queryset = OpeningCalendar.objects.usable_at(self.instance.institution)

    def described(self) -> list[forms.BoundField]:
        return [self[name] for name in DESCRIPTION]

    def ruled(self) -> list[forms.BoundField]:
        return [self[name] for name in RULES]


@login_required
@require_safe
def instruments(request: HttpRequest, institution: str) -> HttpResponse:
    """All instruments of a facility, retired ones last."""
    facility = get_object_or_404(Institution, code=institution)
    user = cast(User, request.user)
    if not has_role(user, facility, Role.FACILITY_MANAGER, Role.OPERATOR):
        raise PermissionDenied
    found = (
        Instrument.objects.filter(institution=facility)
        .select_related("category", "opening_calendar")
        .defer("search")
        .order_by("-status", "code")
    )
    context = {
        "institution": facility,
        "may_edit": has_role(user, facility, Role.FACILITY_MANAGER),
        **paged(request, found),
    }
    return render(request, "instruments/facility_instruments.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, institution: str, code: str) -> HttpResponse:
    """Description and standing rules of one instrument."""
    found = Instrument.objects.select_related("institution", "category").defer("search")
    instrument = get_object_or_404(found, institution__code=institution, code=code)
    user = cast(User, request.user)
    if not may_edit(user, instrument):
        raise PermissionDenied
    form = InstrumentForm(request.POST or None, instance=instrument)
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            edit_instrument(by=user, instrument=instrument, values=values)
        except Malformed as error:
            for name, texts in error.errors.items():
                form.add_error(name if name in form.fields else None, [str(one) for one in texts])
        else:
            messages.success(request, _("Saved."))
            return redirect("facility_instruments", institution=institution)
    context = {
        "institution": instrument.institution,
        "instrument": Instrument.objects.only("code", "name_zh", "name_en").get(pk=instrument.pk),
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "instruments/edit.html", context, status=status)
