"""What OPTIONS answers."""

from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request


class NoForms(SimpleMetadata):
    """The view's name and what it reads and writes, without the fields of its forms.

    Those are in the OpenAPI document. REST framework would take them from the serializer that
    answers, which is not the one that reads, and look the object up by a `pk` that few paths have.
    """

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:
        return {}
