"""Closures, maintenance, training and leave: times in which something is not to be had."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import permissions
from bookings.actions.close import Closed, close_time
from bookings.actions.lift_closure import lift_closure
from bookings.api.closure_shapes import (
    ClosureFilterSerializer,
    ClosureRequestSerializer,
    ClosureSerializer,
    NewClosureSerializer,
)
from bookings.api.lookups import instrument_named
from bookings.displaced import with_displaced
from bookings.models import Closure, ClosureKind, Occupancy, Resource, ResourceKind
from institutions.api.caller import caller
from institutions.api.fields import period_of
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.models import Instrument
from kernel import clock
from kernel.refusals import Malformed


def closures_of(user: User) -> QuerySet[Closure]:
    """Those that the caller may see, with what they show (two queries)."""
    standing = Occupancy.objects.filter(released_at=None).order_by("during")
    return (
        Closure.objects.visible_to(user)
        .select_related("institution", "instrument", "resource__person", "created_by")
        .prefetch_related(Prefetch("occupancies", standing, to_attr="standing"))
    )


def closure_named(reference: str, user: User) -> Closure:
    """The closure as the caller sees it; 404 where there is none."""
    found = with_displaced(closures_of(user).filter(reference=reference), user)
    if not found:
        raise Http404
    return found[0]


def target_of(data: dict[str, Any], user: User) -> Instrument | Resource:
    """What the validated request names. Raises `Malformed` for what names nothing, or somebody
    else's accessory or operator."""
    if "instrument" in data:
        return instrument_named(data["instrument"])
    name = "accessory" if "accessory" in data else "operator"
    found = Resource.objects.select_related("institution", "person")
    if name == "accessory":
        institution, _colon, code = data[name].rpartition(":")
        found = found.filter(kind=ResourceKind.ACCESSORY, code=code)
    else:
        institution = data.get("institution", "")
        found = found.filter(kind=ResourceKind.OPERATOR, person__email=data[name].lower())
    if institution:
        found = found.filter(institution__code=institution)
    own = [one for one in found if permissions.is_facility_staff(user, one.institution)]
    if len(own) != 1:
        raise Malformed({name: [_("There is none with this name, or more than one.")]})
    return own[0]


class ClosureList(generics.ListCreateAPIView[Closure]):
    """Closures of the facilities in which the caller works."""

    serializer_class = ClosureSerializer
    queryset = Closure.objects.none()

    def get_queryset(self) -> QuerySet[Closure]:
        shape = ClosureFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        lookups = {
            "instrument": "instrument__code",
            "institution": "institution__code",
            "kind": "kind",
            "from": "occupancies__during__endswith__gt",
            "until": "occupancies__during__startswith__lt",
        }
        found = closures_of(caller(self.request))
        wanted = {lookups[name]: value for name, value in shape.validated_data.items()}
        return found.filter(**wanted).distinct()

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset) or []
        return with_displaced(page, caller(self.request))

    @extend_schema(
        parameters=[
            ClosureFilterSerializer,
            OpenApiParameter("from", str, description="ISO 8601 with offset"),
        ],
        responses={200: ClosureSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=ClosureRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: NewClosureSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = ClosureRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        target = target_of(data, user)

        def effect() -> dict[str, Any]:
            closed = close_time(
                by=user,
                target=target,
                period=period_of(data),
                kind=ClosureKind(data["kind"]),
                reason=data["reason"],
                rule=data["rule"],
                displace_bookings=data["displace"],
                at=at,
            )
            return described(closed, user)

        return once(request, effect)


def described(closed: Closed, user: User) -> dict[str, Any]:
    """A new closure as the API shows it, with what became of the bookings in the way."""
    [closure] = with_displaced([closed.closure], user)
    closure.standing = list(  # type: ignore[attr-defined]
        Occupancy.objects.filter(closure=closure, released_at=None)
    )
    closure.displaced = [  # type: ignore[attr-defined]
        {
            "booking": one.booking.reference,
            "outcome": "moved" if one.moved_to else "cancelled",
            "start": one.moved_to.start if one.moved_to else None,
            "end": one.moved_to.end if one.moved_to else None,
            "alternatives": one.alternatives,
        }
        for one in closed.displaced
    ]
    return dict(NewClosureSerializer(closure).data)


class ClosureDetail(generics.GenericAPIView[Closure]):
    """One closure."""

    serializer_class = ClosureSerializer
    queryset = Closure.objects.none()

    @extend_schema(responses={200: ClosureSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(ClosureSerializer(closure_named(reference, caller(request))).data)


class LiftClosure(APIView):
    """End a closure before its time."""

    @extend_schema(request=None, responses={200: ClosureSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        lift_closure(by=user, closure=closure_named(reference, user), at=clock.now())
        return Response(ClosureSerializer(closure_named(reference, user)).data)
