"""What the lists of accessories and of operators have in common."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import generics, serializers
from rest_framework.request import Request

from bookings.api.resource_shapes import ResourceFilterSerializer
from bookings.models import Resource, ResourceKind
from institutions.api.caller import caller
from institutions.models import Institution
from instruments.models import Instrument
from kernel.refusals import Malformed

IDEMPOTENT = [OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)]


class ResourceList(generics.ListCreateAPIView[Resource]):
    """Resources of one kind that the caller may see."""

    kind: ResourceKind
    queryset = Resource.objects.none()

    def get_queryset(self) -> QuerySet[Resource]:
        asked = ResourceFilterSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        found = Resource.objects.visible_to(caller(self.request)).filter(kind=self.kind)
        wanted = asked.validated_data
        if "institution" in wanted:
            found = found.filter(institution__code=wanted["institution"])
        if "instrument" in wanted:
            found = found.filter(serves__code=wanted["instrument"])
        if wanted.get("active") is not None:
            found = found.filter(is_active=wanted["active"])
        return found.with_serves().order_by("institution__code", "code", "person__email", "pk")


def shaped(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body; raises 400 `malformed`."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def institution_named(code: str) -> Institution:
    found = Institution.objects.filter(code=code).first()
    if found is None:
        raise Malformed({"institution": [_("No such institution.")]})
    return found


def instruments_named(codes: list[str]) -> list[Instrument]:
    """Raises `Malformed` where one of the codes names nothing."""
    found = list(Instrument.objects.filter(code__in=codes).defer("search"))
    if len(found) < len(set(codes)):
        raise Malformed({"instruments": [_("No such instrument.")]})
    return found
