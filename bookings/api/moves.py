"""Move a booking, see first what moving would change, and change who operates it."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import finding
from bookings.actions.assign_operator import assign_operator
from bookings.actions.reschedule import Preview, needs_of, preview_reschedule, reschedule_booking
from bookings.api.bookings import instead_of
from bookings.api.lookups import booking_named, instrument_named
from bookings.api.time_shapes import SlotSerializer
from bookings.api.verbs import VerbView, described
from bookings.models import Booking, Resource, ResourceKind
from bookings.till import Wish
from institutions.api.caller import caller
from institutions.api.fields import SpanSerializer, period_of
from institutions.api.schema import WRITING, RefusalSerializer, problems
from institutions.models import User
from instruments.models import Instrument
from kernel import clock
from kernel.money import ZERO, as_text
from kernel.refusals import Malformed, Refused, SlotTaken

MONEY = ("gross", "voucher", "net")


class MoveSerializer(SpanSerializer):
    """The wanted time; without an `instrument` on the same one."""

    instrument = serializers.CharField(max_length=40, allow_null=True, required=False)


class SideSerializer(serializers.Serializer[Any]):
    """A booking before or after it is moved."""

    start = serializers.DateTimeField(source="during.lower")
    end = serializers.DateTimeField(source="during.upper")
    instrument = serializers.CharField(source="instrument.code")
    state = serializers.CharField()
    price = serializers.DictField()


class ChangesSerializer(serializers.Serializer[Any]):
    """What each amount grows by, in CNY; negative where it falls."""

    gross = serializers.CharField()
    voucher = serializers.CharField()
    net = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    """What moving would change; `after` and `changes` are null where it cannot be, and then
    `refusals` say why."""

    before = SideSerializer()
    after = SideSerializer(allow_null=True)
    changes = ChangesSerializer(allow_null=True)
    refusals = RefusalSerializer(many=True)
    alternatives = SlotSerializer(many=True)


class OperatorSerializer(serializers.Serializer[Any]):
    operator = serializers.EmailField(max_length=254, help_text="Who operates the booking now.")


def moved_to(booking: Booking, data: dict[str, Any]) -> Wish:
    """The wish that a move makes of a booking."""
    named = data.get("instrument")
    instrument = instrument_named(named or booking.instrument.code)
    return Wish(
        instrument,
        period_of(data),
        booking.quantity,
        booking.project,
        booking.programme,
        needs_of(booking, instrument),
        booking.order_number,
    )


@described(MoveSerializer, "Move a booking to another time or instrument of the facility")
class Reschedule(VerbView):
    shape = MoveSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        at, wish = clock.now(), moved_to(booking, data)
        try:
            reschedule_booking(
                by=by, booking=booking, period=wish.period, instrument=wish.instrument, at=at
            )
        except SlotTaken as taken:
            raise instead_of(taken, wish, leaving=booking, at=at) from None


class ReschedulePreview(APIView):
    """What moving a booking would change; writes nothing."""

    @extend_schema(
        summary="See what moving a booking would change",
        request=MoveSerializer,
        responses={200: PreviewSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user, at = caller(request), clock.now()
        shape = MoveSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        booking = booking_named(reference, user)
        wish = moved_to(booking, shape.validated_data)
        preview = preview_reschedule(
            by=user, booking=booking, period=wish.period, instrument=wish.instrument, at=at
        )
        alternatives: list[dict[str, Any]] = []
        if isinstance(preview.error, SlotTaken):
            alternatives = finding.alternatives(wish, leaving=booking, at=at)
        body = {
            "before": _side(preview.before),
            "after": _side(preview.after) if preview.after else None,
            "changes": changes_of(preview),
            "refusals": _refusals(preview),
            "alternatives": SlotSerializer(alternatives, many=True).data,
        }
        return Response(body)


def _side(booking: Booking) -> dict[str, Any]:
    side = dict(SideSerializer(booking).data)
    return side | {"price": {key: v for key, v in booking.price.items() if key != "versions"}}


def changes_of(preview: Preview) -> dict[str, str] | None:
    """By how much each amount would grow; None where the move cannot be."""
    if preview.after is None:
        return None
    before, after = preview.before.price, preview.after.price
    return {
        name: as_text(Decimal(after.get(name, ZERO)) - Decimal(before.get(name, ZERO)))
        for name in MONEY
    }


def _refusals(preview: Preview) -> list[dict[str, Any]]:
    match preview.error:
        case Refused():
            return [refusal.as_dict() for refusal in preview.error.refusals]
        case SlotTaken():
            message = str(_("This time is taken."))
            return [{"code": "slot_taken", "message": message, "params": {}}]
    return []


@described(OperatorSerializer, "Change who operates a booking")
class Operator(VerbView):
    shape = OperatorSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        operator = operator_named(booking.instrument, data["operator"])
        assign_operator(by=by, booking=booking, operator=operator, at=clock.now())


def operator_named(instrument: Instrument, email: str) -> Resource:
    """An operator of the instrument's facility. Raises `Malformed`."""
    found = Resource.objects.filter(
        kind=ResourceKind.OPERATOR,
        institution=instrument.institution_id,
        person__email=email.strip().lower(),
    ).first()
    if found is None:
        raise Malformed({"operator": [_("The facility has no such operator.")]})
    return found
