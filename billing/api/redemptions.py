"""Voucher money, booking by booking."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from billing import programme_queries
from billing.api.programme_shapes import RedemptionFilterSerializer, RedemptionSerializer
from billing.models import Redemption
from institutions.api.caller import caller
from institutions.api.schema import READING, problems

_FILTERS = {
    "booking": "booking__reference",
    "programme": "terms__programme__code",
    "funding_region": "pool__funding_region__code",
    "holder": "allotment__holder__code",
    "provider": "booking__instrument__institution__code",
    "state": "state",
    "year": "allotment__year",
}


class RedemptionList(generics.ListAPIView[Redemption]):
    """Voucher money booking by booking: for the offices of the lead region and of the one that
    funds, and for both parties' billing offices. Nothing of what a booking is for."""

    serializer_class = RedemptionSerializer
    queryset = Redemption.objects.none()

    def get_queryset(self) -> QuerySet[Redemption]:
        shape = RedemptionFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_FILTERS[name]: value for name, value in shape.validated_data.items()}
        return programme_queries.redemptions(caller(self.request)).filter(**wanted)

    @extend_schema(
        parameters=[RedemptionFilterSerializer],
        responses={200: RedemptionSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)
