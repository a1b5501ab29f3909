"""Qualifications: list, grant, end."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.actions.grant_qualification import end_qualification, grant_qualification
from instruments.api.lookups import institution_named, instrument_named, person_named
from instruments.api.shapes import (
    NewQualificationSerializer,
    QualificationFilterSerializer,
    QualificationSerializer,
)
from instruments.models import Qualification
from instruments.models.qualification import QualificationQuerySet
from instruments.permissions import may_grant
from kernel import clock
from kernel.refusals import NotAllowed


def narrowed(
    found: QualificationQuerySet, wanted: dict[str, Any], user: User
) -> QualificationQuerySet:
    """Only what is asked for by validated filters."""
    if wanted.get("mine"):
        found = found.filter(user=user)
    if "user" in wanted:
        found = found.filter(user__email=wanted["user"])
    if "instrument" in wanted:
        found = found.filter(instrument__code=wanted["instrument"])
    if "institution" in wanted:
        found = found.filter(institution__code=wanted["institution"]) | found.filter(
            instrument__institution__code=wanted["institution"]
        )
    if "expiring_within" in wanted:
        today = clock.today("Asia/Shanghai")
        last = today + timedelta(days=wanted["expiring_within"])
        found = found.filter(valid_until__gte=today, valid_until__lte=last)
    return found


class QualificationList(generics.ListCreateAPIView[Qualification]):
    """The caller's own; for the staff of a facility those that it has granted."""

    serializer_class = QualificationSerializer
    queryset = Qualification.objects.none()

    def get_queryset(self) -> QuerySet[Qualification]:
        user = caller(self.request)
        shape = QualificationFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        return narrowed(
            Qualification.objects.visible_to(user).with_names(), shape.validated_data, user
        )

    @extend_schema(
        parameters=[QualificationFilterSerializer],
        responses={200: QualificationSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Grant a qualification, as the facility's manager",
        request=NewQualificationSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: QualificationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = NewQualificationSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        instrument = instrument_named(data["instrument"]) if "instrument" in data else None
        place = instrument.institution if instrument else institution_named(data["institution"])
        # Who may not grant learns nothing about who has an account.
        if not may_grant(user, place):
            raise NotAllowed
        person = person_named(data["user"])

        def effect() -> dict[str, Any]:
            row = grant_qualification(
                by=user,
                user=person,
                instrument=instrument,
                technique=data.get("technique", ""),
                institution=place,
                level=data["level"],
                valid_until=data["valid_until"],
                at=at,
            )
            return dict(QualificationSerializer(row).data)

        return once(request, effect)


class EndQualification(generics.GenericAPIView[Qualification]):
    """The facility's manager takes a qualification back: it counted until yesterday."""

    serializer_class = QualificationSerializer
    queryset = Qualification.objects.none()

    def get_queryset(self) -> QuerySet[Qualification]:
        return Qualification.objects.visible_to(caller(self.request))

    @extend_schema(request=None, responses={200: QualificationSerializer, **problems(*WRITING)})
    def post(self, request: Request, pk: int) -> Response:
        row = end_qualification(by=caller(request), qualification=self.get_object(), at=clock.now())
        return Response(QualificationSerializer(row).data)
