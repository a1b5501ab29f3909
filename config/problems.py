"""Errors as `application/problem+json` (RFC 9457) for the API, and as pages for browsers."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from kernel.refusals import (
    Busy,
    DomainError,
    Malformed,
    NotAllowed,
    Refused,
    SlotTaken,
    WrongState,
)

CONTENT_TYPE = "application/problem+json"
_TITLES = {
    "malformed": _("Malformed request"),
    "not_signed_in": _("Not signed in"),
    "not_allowed": _("Not allowed"),
    "not_found": _("Not found"),
    "method_not_allowed": _("Method not allowed"),
    "too_large": _("Too large"),
    "length_required": _("Length required"),
    "unsupported_media_type": _("Unsupported media type"),
    "slot_taken": _("The time is taken"),
    "wrong_state": _("Not possible in this state"),
    "refused": _("Refused by the rules"),
    "idempotency_key_reused": _("Idempotency key used for another request"),
    "too_many_requests": _("Too many requests"),
    "busy": _("Busy, try again"),
    "server_error": _("Server error"),
}
_DOMAIN_STATUS: dict[type[DomainError], int] = {
    Malformed: 400,
    NotAllowed: 403,
    WrongState: 409,
    SlotTaken: 409,
    Refused: 422,
    Busy: 503,
}


def problem(code: str, status: int, detail: Any = "", **extra: Any) -> dict[str, Any]:
    """The body of a problem document."""
    title = str(_TITLES.get(code, code))
    return {
        "type": f"urn:yitong:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": str(detail) or title,
        **extra,
    }


def _of_domain(error: DomainError) -> dict[str, Any]:
    status = next(
        (number for kind, number in _DOMAIN_STATUS.items() if isinstance(error, kind)), 422
    )
    match error:
        case Refused():
            refusals = [refusal.as_dict() for refusal in error.refusals]
            detail = " ".join(refusal["message"] for refusal in refusals)
            return problem(error.code, status, detail, refusals=refusals)
        case Malformed():
            return problem(error.code, status, errors=error.errors)
        case WrongState():
            return problem(
                error.code, status, _("This is not possible in this state."), state=error.state
            )
        case SlotTaken():
            extra: dict[str, Any] = {"bookings": error.bookings} if error.bookings else {}
            if error.alternatives is not None:
                extra["alternatives"] = error.alternatives
            return problem(error.code, status, _("This time is taken."), **extra)
    return problem(error.code, status)


def _field_errors(detail: Any) -> dict[str, list[str]]:
    """DRF's nested errors as one flat mapping: `samples.0.name` → messages."""
    flat: dict[str, list[str]] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(f"{prefix}.{key}" if prefix else str(key), item)
        elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
            for index, item in enumerate(value):
                walk(f"{prefix}.{index}", item)
        else:
            messages = value if isinstance(value, list) else [value]
            flat.setdefault(prefix or "non_field_errors", []).extend(str(m) for m in messages)

    walk("", detail)
    return flat


def _of_drf(error: drf.APIException) -> dict[str, Any]:
    match error:
        case drf.ValidationError():
            return problem("malformed", 400, errors=_field_errors(error.detail))
        case drf.ParseError():
            return problem("malformed", 400, error.detail, errors={})
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return problem("not_signed_in", 401, error.detail)
        case drf.PermissionDenied():
            return problem("not_allowed", 403, error.detail)
        case drf.NotFound():
            return problem("not_found", 404)
        case drf.MethodNotAllowed():
            return problem("method_not_allowed", 405, error.detail)
        case drf.UnsupportedMediaType():
            return problem("unsupported_media_type", 415, error.detail)
        case drf.Throttled():
            return problem("too_many_requests", 429, error.detail)
    return problem(str(error.default_code), error.status_code, error.detail)


def api_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None lets a defect through to the log and a 500."""
    if isinstance(error, DomainError):
        body = _of_domain(error)
    elif isinstance(error, Http404):
        body = problem("not_found", 404)
    elif isinstance(error, PermissionDenied):
        body = problem("not_allowed", 403)
    elif isinstance(error, RequestDataTooBig):
        body = problem("too_large", 413)
    elif isinstance(error, drf.APIException):
        body = _of_drf(error)
    else:
        return None
    set_rollback()
    response = Response(body, status=body["status"], content_type=CONTENT_TYPE)
    for header in ("auth_header", "wait"):
        value = getattr(error, header, None)
        if value:
            response["WWW-Authenticate" if header == "auth_header" else "Retry-After"] = str(value)
    if body["code"] == "busy":
        response["Retry-After"] = "1"
    return response


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _error(request: HttpRequest, code: str, status: int, template: str) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse(
            problem(code, status),
            status=status,
            content_type=CONTENT_TYPE,
            json_dumps_params={"ensure_ascii": False},
        )
    return render(request, template, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, "malformed", 400, "400.html")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, "not_allowed", 403, "403.html")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, "not_found", 404, "404.html")


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, "server_error", 500, "500.html")


class LengthRequiredMiddleware:
    """A body without a length (chunked) would be read as empty by WSGI: say so instead (411)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("Transfer-Encoding") and not request.headers.get("Content-Length"):
            body = problem("length_required", 411)
            return JsonResponse(body, status=411, content_type=CONTENT_TYPE)
        return self.get_response(request)


class NothingBehindNulMiddleware:
    """No row's name has a NUL byte, and PostgreSQL will not even look for one: the path names
    nothing (404), whatever view it leads to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            raise Http404
        return self.get_response(request)


class PageProblemMiddleware:
    """A domain error that a page did not catch becomes a page with its sentence, not a crash."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        body = _of_domain(error)
        return render(request, "problem.html", {"problem": body}, status=body["status"])
