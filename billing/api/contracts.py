"""Contract prices: propose, approve, decline, end early."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import queries
from billing.actions.contract_price import (
    decide_contract_price,
    end_contract_price,
    propose_contract_price,
)
from billing.api import price_shapes as shapes
from billing.api.shapes import LastDaySerializer
from billing.api.tariffs import KEY, asked
from billing.models import ContractPrice
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.api.lookups import institution_named, instrument_named
from instruments.api.price_shapes import terms_of
from kernel import clock

_LOOKUPS = {
    "instrument": "instrument__code",
    "provider": "instrument__institution__code",
    "payer": "payer__code",
    "state": "state",
}


def _named(reference: str, user: User) -> ContractPrice:
    """One that the caller may see; 404 otherwise."""
    found = queries.contract_prices(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


class ContractPriceList(generics.ListCreateAPIView[ContractPrice]):
    """For the offices of both parties and the facility's managers, the newest first."""

    serializer_class = shapes.ContractPriceSerializer
    queryset = ContractPrice.objects.none()

    def get_queryset(self) -> QuerySet[ContractPrice]:
        wanted = asked(shapes.ContractFilterSerializer, self.request.query_params)
        found = queries.contract_prices(caller(self.request))
        return found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.ContractFilterSerializer],
        responses={200: shapes.ContractPriceSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Propose a price; somebody else of the provider's office decides on it",
        request=shapes.ContractBodySerializer,
        parameters=[KEY],
        responses={201: shapes.ContractPriceSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.ContractBodySerializer, request.data)
        instrument, payer = (
            instrument_named(data["instrument"]),
            institution_named(data["payer"], field="payer"),
        )

        def effect() -> dict[str, Any]:
            made = propose_contract_price(
                by=user,
                instrument=instrument,
                payer=payer,
                contract_number=data["contract_number"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
                at=at,
                **terms_of(data, instrument.institution),
            )
            return dict(shapes.ContractPriceSerializer(made).data)

        return once(request, effect)


class ContractPriceDetail(APIView):
    """One contract price."""

    @extend_schema(responses={200: shapes.ContractPriceSerializer, **problems(401, 404)})
    def get(self, request: Request, reference: str) -> Response:
        found = _named(reference, caller(request))
        return Response(shapes.ContractPriceSerializer(found).data)


class _Decide(APIView):
    approve = True

    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        price = _named(reference, user)
        decided = decide_contract_price(by=user, price=price, approve=self.approve, at=clock.now())
        return Response(shapes.ContractPriceSerializer(decided).data)


@extend_schema(
    summary="Approve, as another one than who proposed it",
    request=None,
    responses={200: shapes.ContractPriceSerializer, **problems(*WRITING)},
)
class ApproveContractPrice(_Decide):
    """From its first day on it is what the payer pays."""


@extend_schema(
    summary="Decline, as another one than who proposed it",
    request=None,
    responses={200: shapes.ContractPriceSerializer, **problems(*WRITING)},
)
class DeclineContractPrice(_Decide):
    """It never counts."""

    approve = False


class EndContractPrice(APIView):
    """An approved one ends earlier; what is booked keeps its price."""

    @extend_schema(
        request=LastDaySerializer,
        responses={200: shapes.ContractPriceSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        data = asked(LastDaySerializer, request.data)
        ended = end_contract_price(
            by=user, price=_named(reference, user), last_day=data["last_day"], at=clock.now()
        )
        return Response(shapes.ContractPriceSerializer(ended).data)
