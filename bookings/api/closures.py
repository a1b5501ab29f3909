"""Closures, maintenance, training and leave: times in which something is not to be had."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import permissions
from bookings.actions.close import Closed, close_time
from bookings.actions.lift_closure import lift_closure
from bookings.api.lookups import instrument_named
from bookings.api.serializers import PeriodSerializer, SlotSerializer
from bookings.models import Closure, ClosureKind, Occupancy, Resource, ResourceKind
from institutions.api.caller import caller
from institutions.api.fields import InstantField, SpanSerializer, period_of
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.models import Instrument
from kernel import clock
from kernel.periods import Period, merged
from kernel.refusals import Malformed


class ClosureRequestSerializer(SpanSerializer):
    """What is closed (an instrument, an accessory's code, or an operator's e-mail), when, why."""

    instrument = serializers.CharField(max_length=40, required=False)
    accessory = serializers.CharField(
        max_length=61, required=False, help_text="CODE, or INSTITUTION:CODE where two share it."
    )
    operator = serializers.EmailField(max_length=254, required=False)
    institution = serializers.CharField(
        max_length=20, required=False, help_text="Of the operator, who may work at several."
    )
    kind = serializers.ChoiceField(choices=ClosureKind.choices)
    reason = serializers.CharField(max_length=200)
    rule = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", help_text="RRULE, RFC 5545"
    )
    displace = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("instrument", "accessory", "operator") if name in attrs]
        if len(named) != 1:
            raise serializers.ValidationError(
                {"instrument": _("Name one instrument, accessory or operator.")}
            )
        return super().validate(attrs)


class ClosureFilterSerializer(serializers.Serializer[Any]):
    """The list's filters. `from` and `until` bound the closed times."""

    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    kind = serializers.ChoiceField(choices=ClosureKind.choices, required=False)
    until = InstantField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's, so the field is added by name.
        return {**super().get_fields(), "from": InstantField(required=False)}


class ClosureSerializer(serializers.ModelSerializer[Closure]):
    """`occurrences` are the times that it takes, or took until it was lifted."""

    institution = serializers.CharField(source="institution.code")
    instrument = serializers.CharField(source="instrument.code", allow_null=True, default=None)
    accessory = serializers.SerializerMethodField()
    operator = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(choices=ClosureKind.choices)
    created_by = serializers.CharField(source="created_by.email")
    occurrences = serializers.SerializerMethodField()

    class Meta:
        model = Closure
        fields = [
            "reference",
            "institution",
            "instrument",
            "accessory",
            "operator",
            "kind",
            "reason",
            "rule",
            "created_by",
            "created_at",
            "lifted_at",
            "occurrences",
        ]

    def get_accessory(self, closure: Closure) -> str | None:
        found = closure.resource
        return found.code if found and found.kind == ResourceKind.ACCESSORY else None

    def get_operator(self, closure: Closure) -> str | None:
        found = closure.resource
        return found.person.email if found and found.person else None

    @extend_schema_field(PeriodSerializer(many=True))
    def get_occurrences(self, closure: Closure) -> Any:
        periods = merged(Period.of_range(row.during) for row in closure.standing)  # type: ignore[attr-defined]
        return PeriodSerializer(periods, many=True).data


class DisplacedSerializer(serializers.Serializer[Any]):
    """What became of a booking that was in the way; `start` and `end` are the new time."""

    booking = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[("moved", "moved"), ("cancelled", "cancelled")])
    start = serializers.DateTimeField(allow_null=True)
    end = serializers.DateTimeField(allow_null=True)
    alternatives = SlotSerializer(many=True)


class NewClosureSerializer(ClosureSerializer):
    displaced = DisplacedSerializer(many=True)

    class Meta(ClosureSerializer.Meta):
        fields = [*ClosureSerializer.Meta.fields, "displaced"]


def closures_of(user: User) -> QuerySet[Closure]:
    """Those that the caller may see, with what they show (two queries)."""
    standing = Occupancy.objects.filter(released_at=None).order_by("during")
    return (
        Closure.objects.visible_to(user)
        .select_related("institution", "instrument", "resource__person", "created_by")
        .prefetch_related(Prefetch("occupancies", standing, to_attr="standing"))
    )


def closure_named(reference: str, user: User) -> Closure:
    found = closures_of(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


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
            return described(closed)

        return once(request, effect)


def described(closed: Closed) -> dict[str, Any]:
    """A new closure as the API shows it, with what became of the bookings in the way."""
    closure = closed.closure
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
