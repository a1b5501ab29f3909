"""A page that is one form and one action: asked, refused in sentences, or done."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise

from bookings.pages.sentences import sentences_of
from kernel.refusals import DomainError


def posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, were it nothing; None where the page is only looked at."""
    return request.POST if request.method == "POST" else None


def form_page(
    request: HttpRequest,
    form: forms.Form,
    run: Callable[[dict[str, Any]], Any],
    *,
    title: str,
    done: str,
    back: str,
    button: str | Promise = "",
    template: str = "billing/form_page.html",
    **context: Any,
) -> HttpResponse:
    """Shows `form`; where it is sent and right, runs the action with its data and goes `back`."""
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            run(form.cleaned_data)
        except DomainError as error:
            refusals = sentences_of(error)
        else:
            messages.success(request, done)
            return redirect(back)
    shown = {
        "form": form,
        "refusals": refusals,
        "title": title,
        "button": button or title,
        "back": back,
        **context,
    }
    status = 422 if refusals or form.errors else 200
    return render(request, template, shown, status=status)
