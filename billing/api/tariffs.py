"""The published price list: its versions, new ones, and what a month would have cost."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api import price_shapes as shapes
from billing.previewing import preview
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.actions.set_tariff import Price, set_tariff
from instruments.api.lookups import instrument_named
from instruments.api.price_shapes import terms_of
from instruments.models import Instrument, Tariff
from instruments.permissions import may_set_prices
from instruments.price_rules import price_refusals
from kernel import clock
from kernel.refusals import Malformed, NotAllowed, Refused

KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
_LOOKUPS = {
    "instrument": "instrument__code",
    "institution": "instrument__institution__code",
    "user_class": "user_class",
    "on": "valid__contains",
}


def asked(shape: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Validated data. Raises ValidationError (400)."""
    filled = shape(data=data)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


class TariffList(generics.ListCreateAPIView[Tariff]):
    """Every version of the published list, by instrument, class and day."""

    serializer_class = shapes.ListedTariffSerializer
    queryset = Tariff.objects.none()

    def get_queryset(self) -> QuerySet[Tariff]:
        wanted = asked(shapes.TariffFilterSerializer, self.request.query_params)
        found = Tariff.objects.visible_to(caller(self.request))
        found = found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})
        return found.select_related("instrument", "regular_hours").order_by(
            "instrument__code", "user_class", "valid"
        )

    @extend_schema(
        parameters=[shapes.TariffFilterSerializer],
        responses={200: shapes.ListedTariffSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="A new version from a day on; the one in force ends there",
        request=shapes.TariffBodySerializer,
        parameters=[KEY],
        responses={201: shapes.ListedTariffSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.TariffBodySerializer, request.data)
        instrument = instrument_named(data["instrument"])

        def effect() -> dict[str, Any]:
            made = set_tariff(
                by=user,
                instrument=instrument,
                user_class=data["user_class"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
                at=at,
                **terms_of(data, instrument.institution),
            )
            return dict(shapes.ListedTariffSerializer(made).data)

        return once(request, effect)


class TariffPreview(APIView):
    """What the uses of a month would have cost under other prices; writes nothing."""

    @extend_schema(
        request=shapes.TariffPreviewBodySerializer,
        responses={
            200: shapes.TariffPreviewSerializer,
            **problems(400, 401, 403, 413, 415, 422, 503),
        },
    )
    def post(self, request: Request) -> Response:
        user = caller(request)
        data = asked(shapes.TariffPreviewBodySerializer, request.data)
        instruments = _instruments({one["instrument"] for one in data["prices"]}, user)
        institution = next(iter(instruments.values())).institution
        prices = [
            Price(
                instrument_id=instruments[one["instrument"]].pk,
                user_class=one["user_class"],
                **terms_of(one, institution),
            )
            for one in data["prices"]
        ]
        Refused.unless_none(refusal for price in prices for refusal in price_refusals(price))
        found = preview(institution, data["period"], prices)
        return Response(shapes.TariffPreviewSerializer(found).data)


def _instruments(codes: set[str], user: User) -> dict[str, Instrument]:
    """By code, all of one institution whose prices the caller sets. Raises `Malformed` or
    `NotAllowed`."""
    found = Instrument.objects.select_related("institution").defer("search")
    by_code = {one.code: one for one in found.filter(code__in=codes)}
    if codes - by_code.keys():
        raise Malformed({"prices": [_("No such instrument.")]})
    if len({one.institution_id for one in by_code.values()}) > 1:
        raise Malformed({"prices": [_("These instruments are not of one institution.")]})
    if not may_set_prices(user, next(iter(by_code.values())).institution):
        raise NotAllowed
    return by_code
