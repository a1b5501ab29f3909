"""Send requests, read them, and say what becomes of them."""

from abc import ABC, abstractmethod
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import request_queries as queries
from bookings.actions.decline_request import decline_request
from bookings.actions.grant_allocation import grant_allocation
from bookings.actions.move_samples import move_samples
from bookings.actions.submit_request import SampleSent, submit_request
from bookings.actions.withdraw_request import withdraw_request
from bookings.api.lookups import instrument_named, project_named
from bookings.api.request_shapes import (
    MoveSamplesSerializer,
    RequestDetailSerializer,
    RequestSerializer,
    SubmitSerializer,
)
from bookings.api.run_shapes import AllocationGrantSerializer
from bookings.api.serializers import OptionalReasonSerializer, ReasonSerializer
from bookings.models import RequestKind, ServiceRequest, TimeUnit
from bookings.request_states import RequestState, SampleState
from institutions.api.caller import caller
from institutions.api.fields import period_of
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from kernel import clock


class RequestFilterSerializer(serializers.Serializer[Any]):
    """The list's filters."""

    state = serializers.ChoiceField(choices=RequestState.choices, required=False)
    kind = serializers.ChoiceField(choices=RequestKind.choices, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    project = serializers.CharField(max_length=40, required=False)
    mine = serializers.BooleanField(required=False)


_LOOKUPS = {
    "state": "state",
    "kind": "kind",
    "instrument": "instrument__code",
    "institution": "instrument__institution__code",
    "project": "project__code",
}


class RequestList(generics.ListCreateAPIView[ServiceRequest]):
    """Requests that the caller may see: own, of own projects, of own facility or institution."""

    serializer_class = RequestSerializer
    queryset = ServiceRequest.objects.none()

    def get_queryset(self) -> QuerySet[ServiceRequest]:
        user = caller(self.request)
        shape = RequestFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = dict(shape.validated_data)
        mine = wanted.pop("mine", False)
        found = queries.requests(user)
        found = found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})
        return found.filter(requester=user) if mine else found

    @extend_schema(
        parameters=[RequestFilterSerializer],
        responses={200: RequestSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        context = {"estimates": queries.estimates(page, at=clock.now())}
        rows = RequestSerializer(page, many=True, context=context).data
        return self.get_paginated_response(rows)

    @extend_schema(
        request=SubmitSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: RequestDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = SubmitSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        instrument = instrument_named(data["instrument"])
        project = project_named(data["project"], user)
        wanted = period_of(data, "wanted_from", "wanted_until")

        def effect() -> dict[str, Any]:
            made = submit_request(
                by=user,
                instrument=instrument,
                wanted=wanted,
                project=project,
                quantity=data["quantity"],
                programme=data["programme"] or "",
                order_number=data["order_number"],
                unit=data["unit"],
                purpose=data["purpose"],
                confidential=data["confidential"],
                samples=[SampleSent(**sample) for sample in data["samples"]],
                at=clock.now(),
            )
            return detail_of(made.reference, user)

        return once(request, effect)


class RequestDetail(generics.RetrieveAPIView[ServiceRequest]):
    """One request with its samples and its history."""

    serializer_class = RequestDetailSerializer
    queryset = ServiceRequest.objects.none()

    @extend_schema(responses={200: RequestDetailSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(detail_of(reference, caller(request)))


def request_named(reference: str, user: User) -> ServiceRequest:
    """A request that the caller may see; 404 otherwise."""
    return queries.one_named(queries.requests(user), reference)


def detail_of(reference: str, user: User) -> dict[str, Any]:
    """The request as the API shows it, read anew; 404 for what the caller may not see."""
    found = queries.one_named(queries.with_history(queries.requests(user)), reference)
    context = {
        "estimates": queries.estimates([found], at=clock.now()),
        "shows_purpose": found.shows_purpose,  # type: ignore[attr-defined]
    }
    return dict(RequestDetailSerializer(found, context=context).data)


class RequestVerb(ABC, APIView):
    """Finds the request, checks the shape, calls `act`, answers with the request read anew."""

    shape: type[serializers.Serializer[Any]] = serializers.Serializer

    def do(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = self.shape(data=request.data)
        shape.is_valid(raise_exception=True)
        self.act(request_named(reference, user), user, shape.validated_data)
        return Response(detail_of(reference, user))

    @abstractmethod
    def act(self, found: ServiceRequest, by: User, data: dict[str, Any]) -> None:
        """Calls the action."""


def _described(body: Any, summary: str) -> Any:
    return extend_schema(
        summary=summary,
        request=body,
        responses={200: RequestDetailSerializer, **problems(*WRITING)},
    )


class WithdrawRequest(RequestVerb):
    shape = OptionalReasonSerializer

    @_described(OptionalReasonSerializer, "Take a request back")
    def post(self, request: Request, reference: str) -> Response:
        return self.do(request, reference)

    def act(self, found: ServiceRequest, by: User, data: dict[str, Any]) -> None:
        withdraw_request(by=by, request=found, reason=data["reason"], at=clock.now())


class DeclineRequest(RequestVerb):
    shape = ReasonSerializer

    @_described(ReasonSerializer, "Decline a request")
    def post(self, request: Request, reference: str) -> Response:
        return self.do(request, reference)

    def act(self, found: ServiceRequest, by: User, data: dict[str, Any]) -> None:
        decline_request(by=by, request=found, reason=data["reason"], at=clock.now())


class GrantRequest(RequestVerb):
    shape = AllocationGrantSerializer

    @_described(AllocationGrantSerializer, "Grant the time that was applied for, or less")
    def post(self, request: Request, reference: str) -> Response:
        return self.do(request, reference)

    def act(self, found: ServiceRequest, by: User, data: dict[str, Any]) -> None:
        unit = TimeUnit(data["unit"])
        grant_allocation(by=by, request=found, **data | {"unit": unit}, at=clock.now())


class MoveSamples(RequestVerb):
    shape = MoveSamplesSerializer

    @_described(MoveSamplesSerializer, "Move samples one step")
    def post(self, request: Request, reference: str) -> Response:
        return self.do(request, reference)

    def act(self, found: ServiceRequest, by: User, data: dict[str, Any]) -> None:
        move_samples(
            by=by,
            request=found,
            numbers=data["samples"],
            to=SampleState(data["to"]),
            note=data["note"],
            at=clock.now(),
        )
