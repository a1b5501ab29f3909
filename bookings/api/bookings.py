"""Request, list and read bookings."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import finding
from bookings.actions.request import request_booking
from bookings.api.lookups import booking_named, wish_of
from bookings.api.serializers import (
    BookingDetailSerializer,
    BookingRequestSerializer,
    BookingSerializer,
)
from bookings.api.time_shapes import SlotSerializer
from bookings.models import Booking, BookingEvent, BookingSplit
from bookings.models.booking import BookingQuerySet, resources_taken
from bookings.splitting import splits_read
from bookings.states import State
from bookings.till import Wish
from institutions.api.caller import caller
from institutions.api.fields import InstantField
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from kernel import clock
from kernel.refusals import DomainError, SlotTaken


class BookingFilterSerializer(serializers.Serializer[Any]):
    """The list's filters. `from` and `until` bound the booked time."""

    state = serializers.ChoiceField(choices=State.choices, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    project = serializers.CharField(max_length=40, required=False)
    mine = serializers.BooleanField(required=False)
    flagged = serializers.BooleanField(required=False)
    until = InstantField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's, so the field is added by name.
        return {**super().get_fields(), "from": InstantField(required=False)}


def filtered(bookings: BookingQuerySet, wanted: dict[str, Any], user: User) -> BookingQuerySet:
    """The bookings that fit the validated filters."""
    simple = {
        "state": "state",
        "instrument": "instrument__code",
        "institution": "instrument__institution__code",
        "from": "during__endswith__gt",
        "until": "during__startswith__lt",
    }
    for name, lookup in simple.items():
        if name in wanted:
            bookings = bookings.filter(**{lookup: wanted[name]})
    if "project" in wanted:
        code = wanted["project"]
        shared = BookingSplit.objects.filter(project__code=code).values("booking")
        bookings = bookings.filter(Q(project__code=code) | Q(pk__in=shared))
    if wanted.get("flagged"):
        bookings = bookings.flagged()
    return bookings.filter(requester=user) if wanted.get("mine") else bookings


class BookingList(generics.ListCreateAPIView[Booking]):
    """Bookings that the caller may see: own, of own projects, of own facility or institution."""

    serializer_class = BookingSerializer
    queryset = Booking.objects.none()

    def get_queryset(self) -> QuerySet[Booking]:
        user = caller(self.request)
        shape = BookingFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        bookings = Booking.objects.readable_by(user).with_names().with_resources()
        bookings = bookings.with_flags(clock.now()).prefetch_related(splits_read())
        return filtered(bookings, shape.validated_data, user)

    @extend_schema(
        parameters=[
            BookingFilterSerializer,
            OpenApiParameter("from", str, description="ISO 8601 with offset"),
        ],
        responses={200: BookingSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=BookingRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: BookingSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = BookingRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        wish = wish_of(data, user)

        def effect() -> dict[str, Any]:
            booking = request_booking(
                by=user,
                instrument=wish.instrument,
                period=wish.period,
                project=wish.project,  # type: ignore[arg-type]
                programme=wish.programme,
                purpose=data["purpose"],
                quantity=wish.quantity,
                confidential=data["confidential"],
                answers=data["answers"],
                needs=wish.needs,
                order_number=wish.order_number,
                splits=wish.splits,
                at=at,
            )
            if wish.needs.accessories or wish.instrument.needs_operator:
                prefetch_related_objects([booking], resources_taken())
            else:
                booking.taken_along = []
            return dict(BookingSerializer(booking).data)

        try:
            return once(request, effect)
        except SlotTaken as taken:
            raise instead_of(taken, wish, at=at) from None


def instead_of(
    taken: SlotTaken, wish: Wish, *, leaving: Booking | None = None, at: datetime
) -> DomainError:
    """`finding.instead_of` with its alternatives in the API's shape."""
    answer = finding.instead_of(taken, wish, leaving=leaving, at=at)
    if isinstance(answer, SlotTaken):
        answer.alternatives = list(SlotSerializer(answer.alternatives, many=True).data)
    return answer


class BookingDetail(generics.RetrieveAPIView[Booking]):
    """One booking with its history."""

    serializer_class = BookingDetailSerializer
    queryset = Booking.objects.none()

    @extend_schema(responses={200: BookingDetailSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(detail_of(reference, caller(request)))


def detail_of(reference: str, user: User) -> dict[str, Any]:
    """The booking as the API shows it, read anew."""
    booking = booking_named(reference, user)
    events = Prefetch("events", BookingEvent.objects.select_related("by"))
    prefetch_related_objects([booking], events)
    return dict(BookingDetailSerializer(booking).data)
