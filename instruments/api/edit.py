"""Change how an instrument is described and booked."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from instruments.actions.edit_instrument import EDITABLE
from instruments.models import Category, Instrument, OpeningCalendar


class InstrumentEditSerializer(serializers.ModelSerializer[Instrument]):
    """What a manager may change; what is left out stays. Calendars by slug, null for none."""

    category = serializers.SlugRelatedField(slug_field="code", queryset=Category.objects.all())
    opening_calendar = serializers.SlugRelatedField(
        slug_field="slug", queryset=OpeningCalendar.objects.all(), allow_null=True
    )
    start_calendar = serializers.SlugRelatedField(
        slug_field="slug", queryset=OpeningCalendar.objects.all(), allow_null=True
    )

    class Meta:
        model = Instrument
        fields = EDITABLE

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = set(self.initial_data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError(
                dict.fromkeys(sorted(unknown), _("This cannot be changed here."))
            )
        return attrs
