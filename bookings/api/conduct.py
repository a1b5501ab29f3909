"""Violations and appeals."""

from abc import ABC, abstractmethod
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import permissions
from bookings.actions.hear_appeal import appeal, lift, uphold
from bookings.actions.record_violation import record_violation
from bookings.api import conduct_shapes as shapes
from bookings.api.serializers import ReasonSerializer
from bookings.models import Booking, Violation
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User
from instruments.api.lookups import institution_named, instrument_named, person_named
from kernel import clock
from kernel.refusals import Malformed, NotAllowed

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
_FILTERS = {
    "state": "state",
    "kind": "kind",
    "institution": "institution__code",
    "user": "user__email",
    "booking": "booking__reference",
}


class ViolationList(generics.ListCreateAPIView[Violation]):
    """The caller's own; for the staff of a facility those that happened there."""

    serializer_class = shapes.ViolationSerializer
    queryset = Violation.objects.none()

    def get_queryset(self) -> QuerySet[Violation]:
        user = caller(self.request)
        shape = shapes.ViolationFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        found = Violation.objects.visible_to(user).with_names()
        if wanted.pop("mine", False):
            found = found.filter(user=user)
        return found.filter(**{_FILTERS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.ViolationFilterSerializer],
        responses={200: shapes.ViolationSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Record a violation, as the facility's staff",
        request=shapes.NewViolationSerializer,
        parameters=[_KEY],
        responses={201: shapes.ViolationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = shapes.NewViolationSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        place = institution_named(data["institution"])
        # Who may not record learns nothing about who has an account.
        if not permissions.may_record_violation(user, place):
            raise NotAllowed
        whom = _whom(data, place)

        def effect() -> dict[str, Any]:
            violation = record_violation(
                by=user, institution=place, kind=data["kind"], note=data["note"], at=at, **whom
            )
            return dict(shapes.ViolationSerializer(violation).data)

        return once(request, effect)


def _whom(data: dict[str, Any], place: Institution) -> dict[str, Any]:
    """The person, with the booking or the instrument. Raises `Malformed` by field."""
    if "booking" in data:
        found = Booking.objects.select_related("requester", "instrument")
        booking = found.filter(reference=data["booking"], instrument__institution=place).first()
        if booking is None:
            raise Malformed({"booking": [_("No such booking.")]})
        return {"user": booking.requester, "booking": booking, "instrument": booking.instrument}
    if "user" not in data:
        raise Malformed({"user": [_("Name a booking or a person.")]})
    instrument = instrument_named(data["instrument"]) if "instrument" in data else None
    if instrument and instrument.institution_id != place.pk:
        raise Malformed({"instrument": [_("No such instrument.")]})
    return {"user": person_named(data["user"]), "instrument": instrument}


def violation_named(reference: str, user: User) -> Violation:
    """A violation that the caller may see; 404 otherwise."""
    found = Violation.objects.visible_to(user).with_names().filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


class ViolationDetail(APIView):
    """One violation, with what was said for and against it."""

    @extend_schema(responses={200: shapes.ViolationSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        found = violation_named(reference, caller(request))
        return Response(shapes.ViolationSerializer(found).data)


class ViolationVerb(ABC, APIView):
    """Finds the violation, checks the shape, calls `act`, answers with it read anew."""

    shape: type[serializers.Serializer[Any]]

    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = self.shape(data=request.data)
        shape.is_valid(raise_exception=True)
        self.act(violation_named(reference, user), user, shape.validated_data)
        return Response(shapes.ViolationSerializer(violation_named(reference, user)).data)

    @abstractmethod
    def act(self, violation: Violation, by: User, data: dict[str, Any]) -> None:
        """Calls the action."""


def _described(body: Any, summary: str) -> Any:
    return extend_schema_view(
        post=extend_schema(
            summary=summary,
            request=body,
            responses={200: shapes.ViolationSerializer, **problems(*WRITING)},
        )
    )


@_described(shapes.AppealSerializer, "Appeal against what was recorded about oneself")
class Appeal(ViolationVerb):
    shape = shapes.AppealSerializer

    def act(self, violation: Violation, by: User, data: dict[str, Any]) -> None:
        appeal(by=by, violation=violation, text=data["text"], at=clock.now())


@_described(ReasonSerializer, "Uphold after an appeal, as another manager")
class Uphold(ViolationVerb):
    shape = ReasonSerializer

    def act(self, violation: Violation, by: User, data: dict[str, Any]) -> None:
        uphold(by=by, violation=violation, reason=data["reason"], at=clock.now())


@_described(ReasonSerializer, "Lift a violation, with what follows from it")
class Lift(ViolationVerb):
    shape = ReasonSerializer

    def act(self, violation: Violation, by: User, data: dict[str, Any]) -> None:
        lift(by=by, violation=violation, reason=data["reason"], at=clock.now())
