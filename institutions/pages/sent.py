"""Addresses to which a form is sent, and which show its page again where something is wrong."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect

View = Callable[..., HttpResponse]


def sent_from(page: str, *names: str) -> Callable[[View], View]:
    """Takes POST alone. Who reads the address, because he reloads the answer or changes its
    language, goes back to `page`, whose address takes the arguments `names`."""

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            if request.method in ("GET", "HEAD"):
                return redirect(page, **{name: kwargs[name] for name in names})
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])

        return guarded

    return decorator
