"""What goes out about time that is free or taken: shapes only."""

from typing import Any

from rest_framework import serializers

from bookings.api.serializers import QuoteSerializer


class PeriodSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class BusySerializer(PeriodSerializer):
    kind = serializers.CharField()
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    reference = serializers.CharField(allow_null=True)
    own = serializers.BooleanField(help_text="The caller's, or one of the caller's projects'.")
    changeover = serializers.BooleanField(
        help_text="The instrument is changed over to what the booking needs; said to those alone"
        " who see its reference."
    )


class CalendarSerializer(serializers.Serializer[Any]):
    timezone = serializers.CharField()
    open = PeriodSerializer(many=True)
    busy = BusySerializer(many=True)


class TimelineRowSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    busy = BusySerializer(many=True)


class SlotSerializer(PeriodSerializer):
    instrument = serializers.CharField()


class PricedSlotSerializer(SlotSerializer):
    price = QuoteSerializer()
