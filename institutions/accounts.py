"""How people sign in: allauth's ways, with our own limits."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from institutions.middleware import remember_language
from institutions.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs himself up: accounts are given by institutions."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Goes on in the language that the person chose last, wherever that was."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if user.language:
            remember_language(response, user.language)
        return response


def attempted_email(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Whose password was tried: the API names it `username`, the sign-in page `email`."""
    given = credentials or {}
    value = given.get("username") or given.get("email") or request.POST.get("login") or ""
    return str(value).strip().lower()


def locked_out(request: HttpRequest, credentials: Any, *args: Any) -> HttpResponse:
    """The page (or problem document) after too many wrong passwords."""
    if request.path.startswith("/api/"):
        return JsonResponse(
            {
                "type": "urn:yitong:problem:too_many_requests",
                "title": _("Too many requests"),
                "status": 429,
                "code": "too_many_requests",
                "detail": _("Too many wrong passwords. Try again in a while."),
            },
            status=429,
            content_type="application/problem+json",
            headers={"Retry-After": str(int(settings.AXES_COOLOFF_TIME * 3600))},
        )
    return render(request, "account/locked_out.html", status=429)
