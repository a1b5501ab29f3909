"""What is wrong with instruments: report, list, clear, and whom it hits."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import problems as reads
from bookings.actions.report_problem import clear_problem, report_problem
from bookings.api.lookups import booking_named, instrument_named
from bookings.api.serializers import BookingSerializer
from bookings.models import Booking, Problem, ProblemState, Severity
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from kernel import clock
from kernel.refusals import Malformed


class InstrumentProblemSerializer(serializers.ModelSerializer[Problem]):
    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    severity = serializers.ChoiceField(choices=Severity.choices)
    state = serializers.ChoiceField(choices=ProblemState.choices)
    booking = serializers.CharField(source="booking.reference", allow_null=True, default=None)
    reported_by = serializers.CharField(source="reported_by.email")
    cleared_by = serializers.CharField(source="cleared_by.email", allow_null=True, default=None)

    class Meta:
        model = Problem
        fields = [
            "reference",
            "instrument",
            "institution",
            "severity",
            "text",
            "state",
            "booking",
            "reported_by",
            "reported_at",
            "cleared_by",
            "cleared_at",
            "resolution",
        ]


class ReportSerializer(serializers.Serializer[Any]):
    instrument = serializers.CharField(max_length=40)
    severity = serializers.ChoiceField(choices=Severity.choices)
    text = serializers.CharField(max_length=2000)
    booking = serializers.CharField(max_length=16, allow_null=True, allow_blank=True, default=None)


class ResolutionSerializer(serializers.Serializer[Any]):
    resolution = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ProblemFilterSerializer(serializers.Serializer[Any]):
    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    state = serializers.ChoiceField(choices=ProblemState.choices, required=False)


_LOOKUPS = {
    "instrument": "instrument__code",
    "institution": "instrument__institution__code",
    "severity": "severity",
    "state": "state",
}


def problem_named(reference: str, user: User) -> Problem:
    """A problem that the caller may see; 404 otherwise."""
    found = Problem.objects.visible_to(user).with_names().filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


def _booking(reference: str | None, user: User) -> Booking | None:
    if not reference:
        return None
    try:
        return booking_named(reference, user)
    except Http404:
        raise Malformed({"booking": [_("No such booking.")]}) from None


class ProblemList(generics.ListCreateAPIView[Problem]):
    """Problems at the facilities where the caller works, and those he reported."""

    serializer_class = InstrumentProblemSerializer
    queryset = Problem.objects.none()

    def get_queryset(self) -> QuerySet[Problem]:
        shape = ProblemFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_LOOKUPS[name]: value for name, value in shape.validated_data.items()}
        return Problem.objects.visible_to(caller(self.request)).filter(**wanted).with_names()

    @extend_schema(
        parameters=[ProblemFilterSerializer],
        responses={200: InstrumentProblemSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=ReportSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: InstrumentProblemSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = ReportSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        instrument = instrument_named(data["instrument"])
        booking = _booking(data["booking"], user)

        def effect() -> dict[str, Any]:
            problem = report_problem(
                by=user,
                instrument=instrument,
                severity=data["severity"],
                text=data["text"],
                booking=booking,
                at=at,
            )
            return dict(InstrumentProblemSerializer(problem).data)

        return once(request, effect)


class ProblemDetail(APIView):
    """One problem."""

    @extend_schema(responses={200: InstrumentProblemSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(InstrumentProblemSerializer(problem_named(reference, caller(request))).data)


class ClearProblem(APIView):
    """It is right again; if nothing else is broken the instrument can be booked."""

    @extend_schema(
        request=ResolutionSerializer,
        responses={200: InstrumentProblemSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = ResolutionSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        cleared = clear_problem(
            by=user,
            problem=problem_named(reference, user),
            resolution=shape.validated_data["resolution"],
            at=clock.now(),
        )
        return Response(InstrumentProblemSerializer(cleared).data)


class ProblemBookings(generics.ListAPIView[Booking]):
    """Whom it hits: the coming bookings of its instrument that the caller may see."""

    serializer_class = BookingSerializer
    queryset = Booking.objects.none()

    def get_queryset(self) -> QuerySet[Booking]:
        user = caller(self.request)
        problem = problem_named(self.kwargs["reference"], user)
        readable = Booking.objects.readable_by(user).with_names().with_resources()
        hit = reads.hit_by(problem, at=clock.now()).values("pk")
        return readable.filter(pk__in=hit).order_by("during", "pk")

    @extend_schema(responses={200: BookingSerializer(many=True), **problems(*READING)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)
