"""Whether a request came from htmx, and wants a fragment."""

from django.http import HttpRequest


def wants_fragment(request: HttpRequest) -> bool:
    """True for htmx, but for its asking again for a whole page that it has forgotten."""
    details = request.htmx  # type: ignore[attr-defined]
    return bool(details) and not details.history_restore_request
