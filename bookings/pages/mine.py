"""One's own bookings."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bookings.pages import lists
from bookings.pages.forms import MineForm
from institutions.models import User
from institutions.pages.paging import paged
from kernel import clock


@login_required
@require_safe
def bookings(request: HttpRequest) -> HttpResponse:
    """What is to come first; the rest a tab away."""
    form = MineForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    show = asked.get("show") or "upcoming"
    at = clock.now()
    found = lists.narrowed(lists.mine(cast(User, request.user)).with_flags(at), show, at=at)
    found = lists.searched(found, asked.get("q", ""))
    context = {"form": form, "show": show, "tabs": MineForm.SHOWN, **paged(request, found)}
    return render(request, "bookings/mine.html", context)
