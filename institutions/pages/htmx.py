"""Requests of htmx: fragments instead of pages, and what to do when the session has ended."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect


def wants_fragment(request: HttpRequest) -> bool:
    """True for htmx, but for its asking again for a whole page that it has forgotten."""
    details = request.htmx  # type: ignore[attr-defined]
    return bool(details) and not details.history_restore_request


def sign_in_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """`login_required` for views with fragments: the whole page goes to sign in, not a part of
    it, and comes back to where the reader was."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if not wants_fragment(request):
            return redirect_to_login(request.get_full_path())
        here = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(redirect_to_login(here).url)

    return guarded
