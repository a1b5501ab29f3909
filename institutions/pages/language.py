"""The language switch: one click, remembered on this browser and with the account."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from institutions.actions.choose_language import choose_language
from institutions.middleware import remember_language
from institutions.pages.forms import LanguageForm


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Stores the choice and goes back to where the reader was, never to another site."""
    form = LanguageForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    language, target = form.cleaned_data["language"], form.cleaned_data["next"]
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = "/"
    if request.user.is_authenticated:
        choose_language(by=request.user, language=language)
    response = redirect(target)
    remember_language(response, language)
    return response
