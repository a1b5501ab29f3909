"""Whether what is shown is demo data."""

from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from instruments.models import Instrument

_KEY = "shows-demo-data"
_SECONDS = 60


def demo_notice(request: HttpRequest) -> dict[str, Any]:
    """`demo_notice`: true while demo instruments are in the catalogue. Asked at most once a
    minute, and only where a template draws the frame."""
    return {"demo_notice": SimpleLazyObject(_has_demo)}


def _has_demo() -> bool:
    known = cache.get(_KEY)
    if known is None:
        known = Instrument.objects.filter(is_demo=True).exists()
        cache.set(_KEY, known, _SECONDS)
    return bool(known)
