"""When instruments are free and taken: public, with names only for those who may read them."""

from datetime import timedelta
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import occupied, queries
from bookings.api.lookups import instrument_named, needs_named
from bookings.api.time_shapes import CalendarSerializer, PeriodSerializer, TimelineRowSerializer
from bookings.availability import free_periods
from institutions.api.fields import WindowSerializer, period_of
from institutions.api.schema import problems
from instruments.models import Instrument
from kernel import clock
from kernel.periods import Period
from kernel.refusals import Malformed

LONGEST_MINUTES = 366 * 24 * 60


class FreeQuerySerializer(WindowSerializer):
    """A window, how many minutes are needed, and what else: codes of accessories (repeated) and
    of a configuration."""

    minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_MINUTES, default=15)
    configuration = serializers.CharField(max_length=40, required=False)
    accessories = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=20, required=False
    )


class TimelineQuerySerializer(WindowSerializer):
    institution = serializers.CharField(max_length=20)


def asked(request: Request, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The validated query; raises 400 `malformed`."""
    query = shape(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def instrument_or_404(code: str) -> Instrument:
    try:
        return instrument_named(code)
    except Malformed:
        raise Http404 from None


class InstrumentCalendar(generics.GenericAPIView[Instrument]):
    """Opening hours and taken periods of one instrument."""

    permission_classes = [AllowAny]

    @extend_schema(
        parameters=[WindowSerializer],
        responses={200: CalendarSerializer, **problems(400, 404)},
    )
    def get(self, request: Request, code: str) -> Response:
        instrument = instrument_or_404(code)
        window = period_of(asked(request, WindowSerializer))
        opening, busy = occupied.instrument_week(
            instrument, window, user=request.user, at=clock.now()
        )
        body = {"timezone": instrument.institution.timezone, "open": opening, "busy": busy}
        return Response(CalendarSerializer(body).data)


class InstrumentFree(generics.GenericAPIView[Instrument]):
    """Maximal bookable periods: set-up, tear-down, changes of configuration and what is taken of
    the accessories are taken off already."""

    permission_classes = [AllowAny]
    queryset = Instrument.objects.none()

    @extend_schema(
        parameters=[FreeQuerySerializer],
        responses={200: PeriodSerializer(many=True), **problems(400, 404)},
    )
    def get(self, request: Request, code: str) -> Response:
        instrument = instrument_or_404(code)
        query, at = asked(request, FreeQuerySerializer), clock.now()
        needs = needs_named(instrument, query.get("accessories", []), query.get("configuration"))
        free = free_periods(
            [instrument],
            period_of(query),
            length=timedelta(minutes=query["minutes"]),
            needs={instrument.pk: needs},
            at=at,
            by_allocation=queries.may_book_slots(instrument, request.user, at=at),
        ).get(instrument.pk, [])
        return self.get_paginated_response(
            PeriodSerializer(self.paginate_queryset(free), many=True).data
        )


class Timeline(generics.GenericAPIView[Instrument]):
    """Every instrument of a facility with its taken periods."""

    permission_classes = [AllowAny]
    queryset = Instrument.objects.none()

    @extend_schema(
        parameters=[TimelineQuerySerializer],
        responses={200: TimelineRowSerializer(many=True), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        query = asked(request, TimelineQuerySerializer)
        window: Period = period_of(query)
        instruments = (
            Instrument.objects.filter(institution__code=query["institution"])
            .exclude(status="retired")
            .select_related("institution")
        )
        page: list[Instrument] = self.paginate_queryset(instruments) or []
        rows = occupied.facility_timeline(page, window, user=request.user, at=clock.now())
        body = [
            {"code": instrument.code, "name": instrument.name, "busy": rows[instrument.pk]}
            for instrument in page
        ]
        return self.get_paginated_response(TimelineRowSerializer(body, many=True).data)
