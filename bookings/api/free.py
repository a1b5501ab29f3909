"""Time first: what is free, over the whole catalogue."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import finding
from bookings.api.lookups import project_named
from bookings.api.time import LONGEST_MINUTES
from bookings.api.time_shapes import PricedSlotSerializer
from bookings.till import BEST, Wish, till
from institutions.api.fields import InstantField, WindowSerializer, period_of
from institutions.api.schema import problems
from institutions.models import Project, User
from instruments.api.serializers import CatalogueQuerySerializer, CatalogueSerializer
from instruments.api.views import InstrumentList
from instruments.models import Instrument
from kernel import clock


class FreeCatalogueQuerySerializer(CatalogueQuerySerializer):
    """The catalogue's filters, and a window in which the instrument must be free."""

    free_from = InstantField(required=False)
    free_until = InstantField(required=False)
    minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_MINUTES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = ("free_from", "free_until")
        given = [name for name in names if name in attrs]
        if "minutes" in attrs and not given:
            given = ["minutes"]
        missing = [name for name in names if given and name not in attrs]
        if missing:
            text = _("Give free_from and free_until together.")
            raise serializers.ValidationError(dict.fromkeys(missing, text))
        if given:
            window = WindowSerializer(
                data={
                    "start": attrs["free_from"].isoformat(),
                    "end": attrs["free_until"].isoformat(),
                }
            )
            if not window.is_valid():
                raise serializers.ValidationError({"free_until": window.errors.get("end", [])})
        return attrs


class FreeInstrumentList(InstrumentList):
    """The instruments that fit, ranked, with counts by facet; with `free_from`, `free_until` and
    `minutes` only those that have that much free time in a row then."""

    query_serializer_class = FreeCatalogueQuerySerializer

    def get_queryset(self) -> QuerySet[Instrument]:
        found, asked = super().get_queryset(), self.asked()
        if "free_from" not in asked:
            return found
        return finding.with_free_time(
            found,
            period_of(asked, "free_from", "free_until"),
            length=timedelta(minutes=asked.get("minutes", 1)),
            at=clock.now(),
        )

    @extend_schema(
        parameters=[FreeCatalogueQuerySerializer],
        responses={200: CatalogueSerializer, **problems(400, 404)},
        auth=[],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class FreeSlotsQuerySerializer(WindowSerializer, CatalogueQuerySerializer):
    """A window, how many minutes are needed, the catalogue's filters, and who would pay."""

    minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_MINUTES)
    project = serializers.CharField(max_length=40, required=False)


class FreeSlots(InstrumentList):
    """The first free slot in every free period of every instrument that fits, earliest first.

    `price` is that of an outside enterprise; with `project` that of the project after the voucher
    that pays most.
    """

    query_serializer_class = FreeSlotsQuerySerializer
    queryset = Instrument.objects.none()

    def get_queryset(self) -> QuerySet[Instrument]:
        # The OpenAPI document is made without a query to read.
        return super().get_queryset() if self.request.query_params else self.queryset

    @extend_schema(
        parameters=[FreeSlotsQuerySerializer],
        responses={200: PricedSlotSerializer(many=True), **problems(400, 401, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked, at = self.asked(), clock.now()
        project = self._project(asked)
        slots = finding.free_slots(
            self.get_queryset(),
            period_of(asked),
            minutes=asked["minutes"],
            at=at,
            project=project,
        )
        page = self.paginate_queryset(slots) or []
        wishes = [
            Wish(slot.instrument, slot.period, slot.quantity, project, BEST if project else "")
            for slot in page
        ]
        rows = [
            {
                "instrument": wish.instrument.code,
                "start": wish.period.start,
                "end": wish.period.end,
                "price": quote.as_dict(),
            }
            for wish, quote in zip(wishes, till().quotes(wishes, at=at), strict=True)
        ]
        return self.get_paginated_response(PricedSlotSerializer(rows, many=True).data)

    def _project(self, asked: dict[str, Any]) -> Project | None:
        if "project" not in asked:
            return None
        if not isinstance(self.request.user, User):
            raise NotAuthenticated
        return project_named(asked["project"], self.request.user)
