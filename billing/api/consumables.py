"""Consumables and their dated prices; tax and bank details of institutions."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import permissions
from billing.api import price_shapes as shapes
from billing.api.tariffs import KEY, asked
from institutions.actions.edit_billing_details import edit_billing_details
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User
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


class BillingDetails(APIView):
    """Tax and bank details: its billing office reads them, its administrators edit them."""

    @extend_schema(responses={200: shapes.BillingDetailsSerializer, **problems(401, 404)})
    def get(self, request: Request, code: str) -> Response:
        return Response(shapes.BillingDetailsSerializer(_seen(code, caller(request))).data)

    @extend_schema(
        request=shapes.BillingDetailsBodySerializer,
        responses={200: shapes.BillingDetailsSerializer, **problems(*WRITING)},
    )
    def patch(self, request: Request, code: str) -> Response:
        user = caller(request)
        data = asked(shapes.BillingDetailsBodySerializer, request.data)
        saved = edit_billing_details(by=user, institution=_seen(code, user), values=data)
        return Response(shapes.BillingDetailsSerializer(saved).data)


def _seen(code: str, user: User) -> Institution:
    """For its own office alone; 404 for everybody else."""
    found = Institution.objects.filter(code=code).first()
    if found is None or not permissions.is_billing_office(user, found):
        raise Http404
    return found
