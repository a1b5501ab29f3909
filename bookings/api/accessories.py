"""Accessories that instruments share."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.actions.save_accessory import save_accessory
from bookings.api.resource_shapes import (
    AccessoryChangeSerializer,
    AccessorySerializer,
    NewAccessorySerializer,
    ResourceFilterSerializer,
)
from bookings.api.resources import (
    IDEMPOTENT,
    ResourceList,
    institution_named,
    instruments_named,
    shaped,
)
from bookings.models import Resource, ResourceKind
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User


class AccessoryList(ResourceList):
    """Accessories that can be booked along; retired ones for the facility's staff."""

    kind = ResourceKind.ACCESSORY
    serializer_class = AccessorySerializer

    @extend_schema(
        parameters=[ResourceFilterSerializer],
        responses={200: AccessorySerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewAccessorySerializer,
        parameters=IDEMPOTENT,
        responses={201: AccessorySerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = shaped(NewAccessorySerializer, request)
        institution = institution_named(data["institution"])

        def effect() -> dict[str, Any]:
            made = _save_accessory(caller(request), institution, data, None)
            return dict(AccessorySerializer(made).data)

        return once(request, effect)


class AccessoryDetail(generics.GenericAPIView[Resource]):
    """One accessory by its code, or by INSTITUTION:CODE where two facilities share one."""

    serializer_class = AccessorySerializer
    queryset = Resource.objects.none()

    @extend_schema(responses={200: AccessorySerializer, **problems(*READING)})
    def get(self, request: Request, code: str) -> Response:
        return Response(AccessorySerializer(accessory_named(code, caller(request))).data)

    @extend_schema(
        request=AccessoryChangeSerializer,
        responses={200: AccessorySerializer, **problems(*WRITING)},
    )
    def put(self, request: Request, code: str) -> Response:
        user, data = caller(request), shaped(AccessoryChangeSerializer, request)
        known = accessory_named(code, user)
        saved = _save_accessory(user, known.institution, data, known)
        return Response(AccessorySerializer(saved).data)


def accessory_named(code: str, user: User) -> Resource:
    """An accessory that the caller may see; 404 otherwise, and where a code is not enough."""
    institution, _colon, short = code.rpartition(":")
    found = Resource.objects.visible_to(user).filter(kind=ResourceKind.ACCESSORY, code=short)
    if institution:
        found = found.filter(institution__code=institution)
    accessories = list(found.with_serves()[:2])
    if len(accessories) != 1:
        raise Http404
    return accessories[0]


def _save_accessory(
    by: User, institution: Institution, data: dict[str, Any], accessory: Resource | None
) -> Resource:
    return save_accessory(
        by=by,
        institution=institution,
        code=data["code"],
        name_zh=data["name_zh"],
        name_en=data["name_en"],
        serves=instruments_named(data["instruments"]),
        is_active=data["active"],
        accessory=accessory,
    )
