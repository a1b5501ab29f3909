"""List, read, approve, dispute and resolve charges."""

from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import queries
from billing.actions.approve_charge import approve_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.resolve_dispute import adjust_charge, adjust_to_use, uphold_charge
from billing.api.filters import ProviderFilterSerializer
from billing.api.lookups import charge_named
from billing.api.shapes import ChargeDetailSerializer, ChargeSerializer, MonthField
from billing.models import Charge, ChargeKind
from billing.models.hours import MOST_MINUTES
from billing.repricing import Real
from billing.states import ChargeState
from bookings.api.serializers import ReasonSerializer
from institutions.api.caller import caller
from institutions.api.fields import ExactSerializer
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from kernel import clock

_FILTERS = {
    "booking": "booking__reference",
    "state": "state",
    "provider": "provider__code",
    "kind": "kind",
    "programme": "redemption__terms__programme__code",
    "statement": "statement_line__statement__reference",
    "payer": "payer__code",
    "period": "period",
}


class ChargeFilterSerializer(ProviderFilterSerializer):
    """The list's filters; `booking` and `statement` are references."""

    kind = serializers.ChoiceField(choices=ChargeKind.choices, required=False)
    programme = serializers.CharField(max_length=20, required=False)
    statement = serializers.CharField(max_length=16, required=False)
    booking = serializers.CharField(max_length=16, required=False)
    state = serializers.ChoiceField(choices=ChargeState.choices, required=False)
    payer = serializers.CharField(max_length=20, required=False)
    period = MonthField(required=False)


class ResolveSerializer(ExactSerializer):
    """`uphold`: the charge stands. `adjust`: another takes its place, either with a gross of
    `amount`, or for the `minutes` and `quantity` that were really used (without one of them, as
    charged), priced by the rates of the charge."""

    outcome = serializers.ChoiceField(choices=["uphold", "adjust"])
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False)
    minutes = serializers.IntegerField(min_value=0, max_value=MOST_MINUTES, required=False)
    quantity = serializers.DecimalField(
        max_digits=12, decimal_places=4, min_value=0, required=False
    )
    reason = serializers.CharField(max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        by_use = "minutes" in attrs or "quantity" in attrs
        if attrs["outcome"] == "uphold" and (by_use or "amount" in attrs):
            wrong = _("A charge that stands keeps its price.")
            raise serializers.ValidationError({"outcome": wrong})
        if attrs["outcome"] == "adjust" and by_use == ("amount" in attrs):
            both = _("Either the new price, or what was really used: not both.")
            wrong = both if by_use else _("Say what the new price is.")
            raise serializers.ValidationError({"amount": wrong})
        return attrs


class ChargeList(generics.ListAPIView[Charge]):
    """Charges of the caller's bookings, projects, facility and institution."""

    serializer_class = ChargeSerializer
    queryset = Charge.objects.none()

    def get_queryset(self) -> QuerySet[Charge]:
        shape = ChargeFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_FILTERS[name]: value for name, value in shape.validated_data.items()}
        return queries.charges(caller(self.request)).filter(**wanted)

    @extend_schema(
        parameters=[ChargeFilterSerializer],
        responses={200: ChargeSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


def detail_of(reference: str, user: User) -> dict[str, Any]:
    """The charge as the API shows it, read anew."""
    charge = charge_named(reference, user)
    prefetch_related_objects([charge], "events__by")
    return dict(ChargeDetailSerializer(charge).data)


class ChargeDetail(APIView):
    """One charge with its history."""

    @extend_schema(responses={200: ChargeDetailSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(detail_of(reference, caller(request)))


class ApproveCharge(APIView):
    """The provider's billing office approves; an internal charge is transferred at once."""

    @extend_schema(request=None, responses={200: ChargeDetailSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        approve_charge(by=user, charge=charge_named(reference, user), at=clock.now())
        return Response(detail_of(reference, user))


class DisputeCharge(APIView):
    """The payer's side says that a charge is wrong."""

    @extend_schema(
        request=ReasonSerializer,
        responses={200: ChargeDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        dispute_charge(
            by=user,
            charge=charge_named(reference, user),
            reason=shape.validated_data["reason"],
            at=clock.now(),
        )
        return Response(detail_of(reference, user))


class ResolveCharge(APIView):
    """The provider's billing office answers a dispute; the answer is the charge that counts."""

    @extend_schema(
        request=ResolveSerializer,
        responses={200: ChargeDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user, at = caller(request), clock.now()
        shape = ResolveSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data, charge = shape.validated_data, charge_named(reference, user)
        if data["outcome"] == "uphold":
            charge = uphold_charge(by=user, charge=charge, reason=data["reason"], at=at)
        elif "amount" in data:
            charge = adjust_charge(
                by=user, charge=charge, gross=data["amount"], reason=data["reason"], at=at
            )
        else:
            real = Real(minutes=data.get("minutes"), quantity=data.get("quantity"))
            charge = adjust_to_use(by=user, charge=charge, real=real, reason=data["reason"], at=at)
        return Response(detail_of(charge.reference, user))
