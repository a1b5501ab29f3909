"""Consumables and their dated prices."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api import price_shapes as shapes
from billing.api.tariffs import KEY, asked
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.actions.set_consumable_price import add_consumable, set_consumable_price
from instruments.api.lookups import institution_named, instrument_named
from instruments.models import Consumable, ConsumablePrice
from kernel import clock


def _consumables(user: User) -> QuerySet[Consumable]:
    prices = ConsumablePrice.objects.order_by("valid")
    found = Consumable.objects.visible_to(user).select_related("institution", "instrument")
    return found.prefetch_related(Prefetch("prices", prices)).order_by("institution__code", "code")


def _shown(pk: int, user: User) -> dict[str, Any]:
    return dict(shapes.ConsumableSerializer(_consumables(user).get(pk=pk)).data)


class ConsumableList(generics.ListCreateAPIView[Consumable]):
    """What is used up and paid for by the piece, with all its prices."""

    serializer_class = shapes.ConsumableSerializer
    queryset = Consumable.objects.none()

    def get_queryset(self) -> QuerySet[Consumable]:
        wanted = asked(shapes.ConsumableFilterSerializer, self.request.query_params)
        found = _consumables(caller(self.request))
        if "institution" in wanted:
            found = found.filter(institution__code=wanted["institution"])
        if "instrument" in wanted:
            found = found & Consumable.objects.on(instrument_named(wanted["instrument"]))
        return found

    @extend_schema(
        parameters=[shapes.ConsumableFilterSerializer],
        responses={200: shapes.ConsumableSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=shapes.ConsumableBodySerializer,
        parameters=[KEY],
        responses={201: shapes.ConsumableSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.ConsumableBodySerializer, request.data)
        institution, code = institution_named(data.pop("institution")), data.pop("instrument")
        instrument = None if code is None else instrument_named(code)

        def effect() -> dict[str, Any]:
            made = add_consumable(
                by=user, institution=institution, instrument=instrument, at=at, **data
            )
            return _shown(made.pk, user)

        return once(request, effect)


class ConsumablePrices(APIView):
    """A new price from a day on; the one in force ends there."""

    @extend_schema(
        request=shapes.ConsumablePriceBodySerializer,
        parameters=[KEY],
        responses={201: shapes.ConsumableSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, pk: int) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.ConsumablePriceBodySerializer, request.data)
        named = _consumables(user).filter(pk=pk).first()
        if named is None:
            raise Http404
        consumable = named

        def effect() -> dict[str, Any]:
            set_consumable_price(by=user, consumable=consumable, at=at, **data)
            return _shown(consumable.pk, user)

        return once(request, effect)
