"""What a client would rather read."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AsDocumented(DefaultContentNegotiation):
    """The format that `Accept` asks for where there is one, else the first.

    RFC 9110, 12.4.1, lets a server disregard the header; a browser or a library that does not
    name JSON gets it all the same, instead of a 406 on every endpoint.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        known = list(renderers)
        try:
            return super().select_renderer(request, known, format_suffix)
        except NotAcceptable:
            return known[0], known[0].media_type
