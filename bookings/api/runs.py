"""Runs of requests, and the time that is granted."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import request_queries as queries
from bookings.actions.grant_allocation import change_allocation, end_allocation
from bookings.actions.schedule_run import schedule_run
from bookings.api.lookups import instrument_named
from bookings.api.run_shapes import (
    AllocationSerializer,
    ChangeGrantSerializer,
    RunRequestSerializer,
    RunSerializer,
)
from bookings.models import Allocation, Run, ServiceRequest
from institutions.api.caller import caller
from institutions.api.fields import period_of
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from kernel import clock
from kernel.refusals import Malformed


class RunFilterSerializer(serializers.Serializer[Any]):
    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)


class AllocationFilterSerializer(RunFilterSerializer):
    project = serializers.CharField(max_length=40, required=False)
    ended = serializers.BooleanField(required=False, allow_null=True, default=None)


_LOOKUPS = {
    "instrument": "instrument__code",
    "institution": "instrument__institution__code",
    "project": "project__code",
}


def _filtered(found: QuerySet[Any], shape: serializers.Serializer[Any]) -> QuerySet[Any]:
    shape.is_valid(raise_exception=True)
    asked = shape.validated_data
    found = found.filter(**{_LOOKUPS[name]: asked[name] for name in _LOOKUPS if name in asked})
    ended = asked.get("ended")
    return found if ended is None else found.filter(ended_at__isnull=not ended)


class RunList(generics.ListCreateAPIView[Run]):
    """Runs of the caller's facility, and those with a booking of his own or of his projects."""

    serializer_class = RunSerializer
    queryset = Run.objects.none()

    def get_queryset(self) -> QuerySet[Run]:
        shape = RunFilterSerializer(data=self.request.query_params)
        return _filtered(queries.runs(caller(self.request)), shape)

    @extend_schema(
        parameters=[RunFilterSerializer],
        responses={200: RunSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Schedule one or several requests in one run",
        request=RunRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: RunSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = RunRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        instrument = instrument_named(data["instrument"])
        period, wanted = period_of(data), requests_named(data["requests"], user)

        def effect() -> dict[str, Any]:
            run = schedule_run(
                by=user, instrument=instrument, period=period, requests=wanted, at=clock.now()
            )
            return dict(RunSerializer(queries.runs(user).get(pk=run.pk)).data)

        return once(request, effect)


def requests_named(references: list[str], user: User) -> list[ServiceRequest]:
    """In the order of `references`. Raises `Malformed` on `requests` for one that is unknown."""
    found = {one.reference: one for one in queries.requests(user).filter(reference__in=references)}
    if len(found) < len(set(references)):
        raise Malformed({"requests": [_("No such request.")]})
    return [found[reference] for reference in references]


class AllocationList(generics.ListAPIView[Allocation]):
    """Time that was granted to the caller's projects, or by his facility."""

    serializer_class = AllocationSerializer
    queryset = Allocation.objects.none()

    def get_queryset(self) -> QuerySet[Allocation]:
        shape = AllocationFilterSerializer(data=self.request.query_params)
        return _filtered(queries.allocations(caller(self.request)), shape)

    @extend_schema(
        parameters=[AllocationFilterSerializer],
        responses={200: AllocationSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


def allocation_named(reference: str, user: User) -> Allocation:
    """An allocation that the caller may see; 404 otherwise."""
    return queries.one_named(queries.allocations(user), reference)


class AllocationDetail(generics.RetrieveAPIView[Allocation]):
    """One allocation."""

    serializer_class = AllocationSerializer
    queryset = Allocation.objects.none()

    @extend_schema(responses={200: AllocationSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return _shown(reference, caller(request))


def _shown(reference: str, user: User) -> Response:
    return Response(AllocationSerializer(allocation_named(reference, user)).data)


class ChangeAllocation(APIView):
    @extend_schema(
        summary="Grant more or less, or until another day",
        request=ChangeGrantSerializer,
        responses={200: AllocationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = ChangeGrantSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        found = allocation_named(reference, user)
        change_allocation(by=user, allocation=found, **shape.validated_data, at=clock.now())
        return _shown(reference, user)


class EndAllocation(APIView):
    @extend_schema(
        summary="End a grant: nothing more is drawn on it",
        request=None,
        responses={200: AllocationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        end_allocation(by=user, allocation=allocation_named(reference, user), at=clock.now())
        return _shown(reference, user)
