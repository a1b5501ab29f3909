"""The inbox of what cannot be charged, and what can be done about it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.actions.resolve_exception import accept_charge, price_charge, void_charge
from billing.api.charges import detail_of
from billing.api.filters import ProviderFilterSerializer
from billing.api.lookups import charge_named
from billing.api.shapes import ChargeDetailSerializer
from billing.exceptions import ExceptionKind, exceptions
from billing.models import Charge
from institutions.api.caller import caller
from institutions.api.fields import ExactSerializer
from institutions.api.schema import READING, WRITING, problems
from kernel import clock


class BillingExceptionSerializer(serializers.Serializer[Any]):
    """`charge` is null where the use was never recorded; `since` is when that was due, or when
    the charge was made."""

    kind = serializers.ChoiceField(choices=ExceptionKind.choices, source="what")
    since = serializers.DateTimeField()
    booking = serializers.CharField(source="booking_reference")
    charge = serializers.SerializerMethodField()
    instrument = serializers.CharField(source="code")
    provider = serializers.CharField(source="provider_code")
    payer = serializers.CharField(source="payer_code")

    def get_charge(self, row: dict[str, Any]) -> str | None:
        return row["charge_reference"] or None


class BillingExceptionList(generics.GenericAPIView[Charge]):
    """What the caller's billing office has to mend, oldest first."""

    serializer_class = BillingExceptionSerializer
    queryset = Charge.objects.none()

    @extend_schema(
        parameters=[ProviderFilterSerializer],
        responses={200: BillingExceptionSerializer(many=True), **problems(*READING)},
        operation_id="billing_exceptions_list",
    )
    def get(self, request: Request) -> Response:
        shape = ProviderFilterSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        found = exceptions(caller(request), at=clock.now(), **shape.validated_data)
        page = self.paginate_queryset(found)
        return self.get_paginated_response(BillingExceptionSerializer(page, many=True).data)


class ResolveExceptionSerializer(ExactSerializer):
    """`accept`: the charge stands as it is. `price`: one of `amount` takes its place. `void`:
    nothing is owed."""

    outcome = serializers.ChoiceField(choices=["accept", "price", "void"])
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False)
    reason = serializers.CharField(max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["outcome"] == "price" and "amount" not in attrs:
            raise serializers.ValidationError({"amount": _("Say what the new price is.")})
        return attrs


class ResolveException(APIView):
    """The provider's billing office mends a charge; the answer is the charge that counts."""

    @extend_schema(
        request=ResolveExceptionSerializer,
        responses={200: ChargeDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user, at = caller(request), clock.now()
        shape = ResolveExceptionSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data, charge = shape.validated_data, charge_named(reference, user)
        reason = data["reason"]
        if data["outcome"] == "accept":
            charge = accept_charge(by=user, charge=charge, reason=reason, at=at)
        elif data["outcome"] == "price":
            charge = price_charge(
                by=user, charge=charge, gross=data["amount"], reason=reason, at=at
            )
        else:
            charge = void_charge(by=user, charge=charge, reason=reason, at=at)
        return Response(detail_of(charge.reference, user))
