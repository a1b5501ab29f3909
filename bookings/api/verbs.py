"""`POST bookings/{reference}/VERB/`: each calls one action and answers with the booking."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.actions.approve import approve_booking
from bookings.actions.cancel import cancel_booking
from bookings.actions.change_quantity import change_quantity
from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.consume import consumables_named
from bookings.actions.decline import decline_booking
from bookings.actions.no_show import mark_no_show
from bookings.api.bookings import detail_of
from bookings.api.lookups import booking_named
from bookings.api.serializers import (
    BookingDetailSerializer,
    BookingOutcomeSerializer,
    OptionalReasonSerializer,
    ReasonSerializer,
    UseSerializer,
    quantity_field,
)
from bookings.models import Booking
from bookings.overrun import Notice, notices_after_check_in, notices_after_use
from bookings.rules.segments import Segment
from institutions.api.caller import caller
from institutions.api.fields import period_of
from institutions.api.schema import WRITING, problems
from institutions.models import User
from kernel import clock


class VerbView(ABC, APIView):
    """Finds the booking, checks the shape, calls `act`, answers with the booking read anew."""

    shape: type[serializers.Serializer[Any]] = serializers.Serializer
    # What the caller ought to know about what was done; only some verbs have any.
    notices: Callable[[Booking], list[Notice]] | None = None

    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = self.shape(data=request.data)
        shape.is_valid(raise_exception=True)
        booking = booking_named(reference, user)
        self.act(booking, user, shape.validated_data)
        answer = detail_of(reference, user)
        if self.notices is not None:
            answer["warnings"] = [notice.as_dict() for notice in self.notices(booking)]
        return Response(answer)

    @abstractmethod
    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        """Calls the action."""


def described(body: Any, summary: str, answer: Any = BookingDetailSerializer) -> Any:
    """The OpenAPI description of a verb."""
    return extend_schema_view(
        post=extend_schema(
            summary=summary,
            request=body,
            responses={200: answer, **problems(*WRITING)},
        )
    )


@described(None, "Approve a requested booking")
class Approve(VerbView):
    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        approve_booking(by=by, booking=booking, at=clock.now())


@described(None, "Consent to the price, as principal or deputy")
class Consent(VerbView):
    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        consent_to_booking(by=by, booking=booking, at=clock.now())


@described(ReasonSerializer, "Decline a booking that waits")
class Decline(VerbView):
    shape = ReasonSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        decline_booking(by=by, booking=booking, reason=data["reason"], at=clock.now())


@described(OptionalReasonSerializer, "Cancel a booking")
class Cancel(VerbView):
    shape = OptionalReasonSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        cancel_booking(by=by, booking=booking, reason=data["reason"], at=clock.now())


@described(None, "Begin to use the instrument", BookingOutcomeSerializer)
class CheckIn(VerbView):
    notices = staticmethod(notices_after_check_in)

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        check_in(by=by, booking=booking, at=clock.now())


@described(UseSerializer, "Record the real use", BookingOutcomeSerializer)
class Complete(VerbView):
    shape = UseSerializer
    notices = staticmethod(notices_after_use)

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        complete_booking(
            by=by,
            booking=booking,
            during=period_of(data, "actual_start", "actual_end"),
            quantity=data.get("quantity"),
            notes=data["notes"],
            segments=[
                Segment(period_of(one), one["kind"], one["cause"]) for one in data["segments"]
            ],
            consumables=consumables_named(dict(data["consumables"]), booking.instrument),
            at=clock.now(),
        )


class QuantitySerializer(serializers.Serializer[Any]):
    quantity = quantity_field()


@described(QuantitySerializer, "Change how many samples, cores or cards it is for")
class ChangeQuantity(VerbView):
    shape = QuantitySerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        change_quantity(by=by, booking=booking, quantity=data["quantity"], at=clock.now())


@described(None, "Nobody came")
class NoShow(VerbView):
    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        mark_no_show(by=by, booking=booking, at=clock.now())
