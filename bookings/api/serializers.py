"""What goes in and out about bookings: shapes only."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.models import (
    Booking,
    BookingEvent,
    BookingSplit,
    DownCause,
    SegmentKind,
    SignOffState,
)
from bookings.models.split import WHOLE
from bookings.states import State
from institutions.api.fields import InstantField, SpanSerializer

LEAST, MOST = Decimal("0.01"), Decimal(1_000_000)


def quantity_field(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=LEAST, max_value=MOST, **options
    )


class SplitSerializer(serializers.Serializer[Any]):
    """The share of one project in what a booking costs."""

    project = serializers.CharField(max_length=60)
    percent = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=Decimal("0.01"), max_value=WHOLE
    )


class WishSerializer(SpanSerializer):
    """An instrument, a time, and who pays."""

    instrument = serializers.CharField(max_length=40)
    quantity = quantity_field(default=Decimal(1))
    programme = serializers.CharField(
        max_length=20, allow_null=True, allow_blank=True, default=None
    )
    configuration = serializers.CharField(max_length=40, allow_null=True, default=None)
    accessories = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=20, default=list
    )
    order_number = serializers.CharField(
        max_length=40,
        allow_blank=True,
        default="",
        help_text="The official platform's, where the programme asks for one.",
    )
    splits = serializers.ListField(
        child=SplitSerializer(),
        max_length=20,
        default=list,
        help_text="How several projects of one institution share the price: 100 % together, the"
        " `project` first, which takes what rounding leaves over.",
    )


class BookingRequestSerializer(WishSerializer):
    project = serializers.CharField(max_length=40)
    purpose = serializers.CharField(max_length=500)
    confidential = serializers.BooleanField(default=False)
    answers = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        default=dict,
        help_text="By the codes of the questions that the instrument asks on the day of the start.",
    )


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class OptionalReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class SegmentSerializer(SpanSerializer):
    """A part of a use; down time has a cause and is not charged."""

    kind = serializers.ChoiceField(choices=SegmentKind.choices)
    cause = serializers.ChoiceField(choices=DownCause.choices, allow_blank=True, default="")


class ConsumedSerializer(serializers.Serializer[Any]):
    """So much of a consumable, by its code."""

    code = serializers.CharField(max_length=20)
    quantity = quantity_field()


class UseSerializer(serializers.Serializer[Any]):
    """Real use: when it began and ended, how much, what it was made of and what was used up."""

    actual_start = InstantField()
    actual_end = InstantField()
    quantity = quantity_field(required=False)
    notes = serializers.CharField(max_length=1000, allow_blank=True, default="")
    segments = serializers.ListField(child=SegmentSerializer(), max_length=500, default=list)
    consumables = serializers.ListField(child=ConsumedSerializer(), max_length=100, default=list)

    def validate_consumables(self, value: list[dict[str, Any]]) -> dict[str, Decimal]:
        if len({one["code"] for one in value}) < len(value):
            raise serializers.ValidationError(_("Each consumable once."))
        return {one["code"]: one["quantity"] for one in value}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["actual_end"] <= attrs["actual_start"]:
            raise serializers.ValidationError(
                {"actual_end": _("The end must lie after the start.")}
            )
        return attrs


class QuoteLineSerializer(serializers.Serializer[Any]):
    description = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField()
    unit_price = serializers.CharField()
    amount = serializers.CharField()


class VoucherAnswerSerializer(serializers.Serializer[Any]):
    programme = serializers.CharField()
    eligible = serializers.BooleanField()
    amount = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())


class QuoteSerializer(serializers.Serializer[Any]):
    """A price; `net` is what the payer owes the institution."""

    currency = serializers.CharField()
    lines = QuoteLineSerializer(many=True)
    gross = serializers.CharField()
    voucher = serializers.CharField()
    net = serializers.CharField()
    programme = serializers.CharField(allow_null=True)
    programmes = VoucherAnswerSerializer(many=True)
    settlement = serializers.CharField(allow_null=True)
    most_owed = serializers.CharField(
        help_text="What the payer may be left with if a claim of the voucher is rejected."
    )
    claim_by = serializers.DateField(
        allow_null=True, help_text="The last day for that claim, where the programme names one."
    )
    refusals = serializers.ListField(child=serializers.DictField())


class EventSerializer(serializers.ModelSerializer[BookingEvent]):
    by = serializers.CharField(source="by.email", allow_null=True, default=None)

    class Meta:
        model = BookingEvent
        fields = ["at", "kind", "from_state", "to_state", "by", "reason", "data"]


class BookingSplitSerializer(serializers.ModelSerializer[BookingSplit]):
    """The share of one project; `awaits_consent` while those who lead it have not agreed."""

    project = serializers.CharField(source="project.code")
    awaits_consent = serializers.SerializerMethodField()

    class Meta:
        model = BookingSplit
        fields = ["project", "percent", "awaits_consent"]

    def get_awaits_consent(self, split: BookingSplit) -> bool:
        """What was asked of a booking that is off, or cheaper now, waits for nobody."""
        return split.awaits_consent and split.booking.state == State.AWAITING_PRINCIPAL


class BookingSerializer(serializers.ModelSerializer[Booking]):
    """A booking, from `with_names` and `with_resources`; `purpose` is null where it is
    confidential and not for the caller's eyes."""

    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    start = serializers.DateTimeField(source="during.lower")
    end = serializers.DateTimeField(source="during.upper")
    project = serializers.CharField(source="project.code")
    requester = serializers.CharField(source="requester.email")
    purpose = serializers.SerializerMethodField()
    configuration = serializers.CharField(
        source="configuration.code", allow_null=True, default=None
    )
    accessories = serializers.SerializerMethodField()
    operator = serializers.SerializerMethodField()
    splits = serializers.SerializerMethodField()
    price = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=State.choices)
    flags = serializers.ListField(
        child=serializers.ChoiceField(["not_qualified"]),
        read_only=True,
        help_text="What somebody should see to before the day.",
    )
    request = serializers.CharField(source="request.reference", allow_null=True, default=None)

    class Meta:
        model = Booking
        fields = [
            "reference",
            "state",
            "flags",
            "instrument",
            "institution",
            "start",
            "end",
            "quantity",
            "project",
            "requester",
            "purpose",
            "confidential",
            "configuration",
            "accessories",
            "operator",
            "order_number",
            "splits",
            "price",
            "request",
            "created_at",
        ]

    def get_purpose(self, booking: Booking) -> str | None:
        return booking.purpose if getattr(booking, "shows_purpose", True) else None

    def get_accessories(self, booking: Booking) -> list[str]:
        """Their codes, as long as the booking has them."""
        return [one.code for one in booking.accessories_taken]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_operator(self, booking: Booking) -> str | None:
        """The operator's e-mail, for the requester and the facility's staff."""
        operator = booking.operator_taken
        if operator is None or not getattr(booking, "shows_operator", True):
            return None
        return operator.person.email if operator.person else None

    @extend_schema_field(BookingSplitSerializer(many=True))
    def get_splits(self, booking: Booking) -> Any:
        """None unless several projects share the price."""
        rows = booking.splits.all() if booking.is_split else ()
        return BookingSplitSerializer(rows, many=True).data

    def get_price(self, booking: Booking) -> QuoteSerializer:
        return {key: value for key, value in booking.price.items() if key != "versions"}  # type: ignore[return-value]


class AnswerSerializer(serializers.Serializer[Any]):
    """What was asked and said when the booking was made; the names are those of a choice."""

    code = serializers.CharField()
    topic = serializers.CharField()
    kind = serializers.CharField()
    text_zh = serializers.CharField()
    text_en = serializers.CharField()
    answer = serializers.JSONField()
    answer_zh = serializers.CharField(allow_blank=True)
    answer_en = serializers.CharField(allow_blank=True)
    needs_sign_off = serializers.BooleanField()


class BookingDetailSerializer(BookingSerializer):
    """`answers` is null where they are confidential and not for the caller's eyes; `sign_off`
    where nobody's is asked for."""

    events = EventSerializer(many=True)
    answers = serializers.SerializerMethodField()
    sign_off = serializers.SerializerMethodField()

    class Meta(BookingSerializer.Meta):
        fields = [*BookingSerializer.Meta.fields, "answers", "sign_off", "events"]

    @extend_schema_field(AnswerSerializer(many=True, allow_null=True))
    def get_answers(self, booking: Booking) -> Any:
        return booking.answers if getattr(booking, "shows_purpose", True) else None

    @extend_schema_field(serializers.ChoiceField(choices=SignOffState.choices, allow_null=True))
    def get_sign_off(self, booking: Booking) -> str | None:
        sign_off = getattr(booking, "sign_off", None)
        return sign_off.state if sign_off else None


class NoticeSerializer(serializers.Serializer[Any]):
    """Something that was done all the same, and that people ought to know."""

    code = serializers.CharField()
    message = serializers.CharField()
    params = serializers.DictField()


class BookingOutcomeSerializer(BookingDetailSerializer):
    warnings = NoticeSerializer(many=True)

    class Meta(BookingDetailSerializer.Meta):
        fields = [*BookingDetailSerializer.Meta.fields, "warnings"]
