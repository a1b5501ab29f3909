"""Packages of hours: sold ahead, or granted by a funder."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import queries
from billing.actions.sell_hours import Hours, grant_hours, sell_hours
from billing.api import price_shapes as shapes
from billing.api.tariffs import KEY, asked
from billing.models import HourKind, HourPackage
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Project
from instruments.api.lookups import institution_named, instrument_named
from kernel import clock
from kernel.refusals import Malformed

_LOOKUPS = {"provider": "provider__code", "payer": "payer__code", "kind": "kind"}


class HourPackageList(generics.ListCreateAPIView[HourPackage]):
    """For the offices of both parties, the facility's managers, and who may book on them."""

    serializer_class = shapes.HourPackageSerializer
    queryset = HourPackage.objects.none()

    def get_queryset(self) -> QuerySet[HourPackage]:
        wanted = asked(shapes.HourFilterSerializer, self.request.query_params)
        found = queries.hour_packages(caller(self.request))
        return found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.HourFilterSerializer],
        responses={200: shapes.HourPackageSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Sell hours ahead, or grant them at no price",
        request=shapes.HourBodySerializer,
        parameters=[KEY],
        responses={201: shapes.HourPackageSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.HourBodySerializer, request.data)
        hours = _hours(data)

        def effect() -> dict[str, Any]:
            if data["kind"] == HourKind.PREPAID:
                made = sell_hours(by=user, hours=hours, price=data["price"], at=at)
            else:
                made = grant_hours(by=user, hours=hours, funder=data["funder"], at=at)
            return dict(shapes.HourPackageSerializer(made).data)

        return once(request, effect)


def _hours(data: dict[str, Any]) -> Hours:
    payer, project = institution_named(data["payer"], field="payer"), None
    if data["project"] is not None:
        project = Project.objects.filter(institution=payer, code=data["project"]).first()
        if project is None:
            raise Malformed({"project": [_("The payer has no such project.")]})
    code = data["instrument"]
    return Hours(
        provider=institution_named(data["provider"], field="provider"),
        payer=payer,
        project=project,
        instrument=None if code is None else instrument_named(code),
        minutes=data["minutes"],
        valid_from=data["valid_from"],
        valid_until=data["valid_until"],
    )


class HourPackageDetail(APIView):
    """One package of hours."""

    @extend_schema(responses={200: shapes.HourPackageSerializer, **problems(401, 404)})
    def get(self, request: Request, reference: str) -> Response:
        found = queries.hour_packages(caller(request)).filter(reference=reference).first()
        if found is None:
            raise Http404
        return Response(shapes.HourPackageSerializer(found).data)
