"""Requests for qualifications, and recognition of other institutions' training."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.actions.recognise_training import end_recognition, recognise_training
from instruments.actions.request_qualification import (
    decline_request,
    grant_request,
    request_qualification,
)
from instruments.api import shapes
from instruments.api.lookups import institution_named, instrument_named
from instruments.models import QualificationRequest, Recognition
from kernel import clock

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
_REQUEST_FILTERS = {
    "state": "state",
    "institution": "instrument__institution__code",
    "instrument": "instrument__code",
}


class QualificationRequestList(generics.ListCreateAPIView[QualificationRequest]):
    """The caller's own; for the staff of a facility those for its instruments."""

    serializer_class = shapes.QualificationRequestSerializer
    queryset = QualificationRequest.objects.none()

    def get_queryset(self) -> QuerySet[QualificationRequest]:
        user = caller(self.request)
        shape = shapes.QualificationRequestFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        found = QualificationRequest.objects.visible_to(user).with_names()
        if wanted.pop("mine", False):
            found = found.filter(user=user)
        return found.filter(**{_REQUEST_FILTERS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.QualificationRequestFilterSerializer],
        responses={200: shapes.QualificationRequestSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Ask for a qualification without a course",
        request=shapes.NewQualificationRequestSerializer,
        parameters=[_KEY],
        responses={201: shapes.QualificationRequestSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = shapes.NewQualificationRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        instrument = instrument_named(data["instrument"])

        def effect() -> dict[str, Any]:
            asked = request_qualification(
                by=user,
                instrument=instrument,
                level=data["level"],
                experience=data["experience"],
                at=at,
            )
            return dict(shapes.QualificationRequestSerializer(asked).data)

        return once(request, effect)


def request_named(reference: str, user: User) -> QualificationRequest:
    """A request that the caller may see; 404 otherwise."""
    found = QualificationRequest.objects.visible_to(user).with_names()
    asked = found.filter(reference=reference).first()
    if asked is None:
        raise Http404
    return asked


class GrantRequest(APIView):
    """The facility's manager grants what was asked for."""

    @extend_schema(
        request=shapes.GrantSerializer,
        responses={200: shapes.QualificationRequestSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = shapes.GrantSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = request_named(reference, user)
        grant_request(by=user, request=asked, at=clock.now(), **shape.validated_data)
        return Response(shapes.QualificationRequestSerializer(request_named(reference, user)).data)


class DeclineRequest(APIView):
    """The facility's manager says why not."""

    @extend_schema(
        request=shapes.DeclineSerializer,
        responses={200: shapes.QualificationRequestSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = shapes.DeclineSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = request_named(reference, user)
        decline_request(by=user, request=asked, at=clock.now(), **shape.validated_data)
        return Response(shapes.QualificationRequestSerializer(request_named(reference, user)).data)


class RecognitionList(generics.ListCreateAPIView[Recognition]):
    """Which institutions let whose training count; for everybody who is signed in."""

    serializer_class = shapes.RecognitionSerializer
    queryset = Recognition.objects.none()

    def get_queryset(self) -> QuerySet[Recognition]:
        shape = shapes.RecognitionFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {f"{name}__code": value for name, value in shape.validated_data.items()}
        found = Recognition.objects.visible_to(caller(self.request)).with_names()
        return found.filter(**wanted)

    @extend_schema(
        parameters=[shapes.RecognitionFilterSerializer],
        responses={200: shapes.RecognitionSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Let another institution's training count, as the receiving facility's manager",
        request=shapes.NewRecognitionSerializer,
        parameters=[_KEY],
        responses={201: shapes.RecognitionSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = shapes.NewRecognitionSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        institution = institution_named(data["institution"])
        granting = None
        if data["granting"] is not None:
            granting = institution_named(data["granting"], field="granting")

        def effect() -> dict[str, Any]:
            row = recognise_training(
                by=user,
                institution=institution,
                granting=granting,
                technique=data["technique"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
                at=at,
            )
            return dict(shapes.RecognitionSerializer(row).data)

        return once(request, effect)


class EndRecognition(generics.GenericAPIView[Recognition]):
    """Today is its last day."""

    serializer_class = shapes.RecognitionSerializer
    queryset = Recognition.objects.none()

    def get_queryset(self) -> QuerySet[Recognition]:
        return Recognition.objects.visible_to(caller(self.request))

    @extend_schema(
        request=None, responses={200: shapes.RecognitionSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, pk: int) -> Response:
        row = end_recognition(by=caller(request), recognition=self.get_object(), at=clock.now())
        return Response(shapes.RecognitionSerializer(row).data)
