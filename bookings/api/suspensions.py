"""Suspensions, and the rule that makes them."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.actions.set_suspension_rule import set_suspension_rule
from bookings.api import conduct_shapes as shapes
from bookings.models import Suspension, SuspensionRule
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from instruments.api.lookups import institution_named
from kernel import clock

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


class SuspensionList(generics.ListAPIView[Suspension]):
    """The caller's own; for the staff of a facility those of its users."""

    serializer_class = shapes.SuspensionSerializer
    queryset = Suspension.objects.none()

    def get_queryset(self) -> QuerySet[Suspension]:
        shape = shapes.SuspensionFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        found = Suspension.objects.visible_to(caller(self.request)).with_names()
        if "institution" in wanted:
            found = found.filter(institution__code=wanted["institution"])
        if wanted.get("standing"):
            found = found.filter(lifted_at=None, during__contains=clock.now())
        return found

    @extend_schema(
        parameters=[shapes.SuspensionFilterSerializer],
        responses={200: shapes.SuspensionSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class SuspensionRuleList(generics.ListCreateAPIView[SuspensionRule]):
    """What is too much at an institution: for everybody who is signed in."""

    serializer_class = shapes.SuspensionRuleSerializer
    queryset = SuspensionRule.objects.none()

    def get_queryset(self) -> QuerySet[SuspensionRule]:
        shape = shapes.SuspensionRuleFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        found = SuspensionRule.objects.visible_to(caller(self.request))
        if "institution" in shape.validated_data:
            found = found.filter(institution__code=shape.validated_data["institution"])
        return found.select_related("institution")

    @extend_schema(
        parameters=[shapes.SuspensionRuleFilterSerializer],
        responses={200: shapes.SuspensionRuleSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Set the rule from a day on, as the facility's manager",
        request=shapes.NewSuspensionRuleSerializer,
        parameters=[_KEY],
        responses={201: shapes.SuspensionRuleSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = shapes.NewSuspensionRuleSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        terms = dict(shape.validated_data)
        place = institution_named(terms.pop("institution"))

        def effect() -> dict[str, Any]:
            rule = set_suspension_rule(by=user, institution=place, at=at, **terms)
            return dict(shapes.SuspensionRuleSerializer(rule).data)

        return once(request, effect)
