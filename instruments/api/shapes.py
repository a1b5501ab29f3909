"""Shapes of qualifications, requests for them, and recognition."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from instruments.models import (
    MOST_LEVEL,
    Qualification,
    QualificationRequest,
    Recognition,
    RequestState,
)


def level_field(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=MOST_LEVEL, **options)


class DayField(serializers.DateField):
    """A calendar day of a year that makes sense."""

    default_error_messages = {"year": _("The year must lie between 2000 and 2100.")}

    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            self.fail("year")
        return day


class QualificationSerializer(serializers.ModelSerializer[Qualification]):
    """On an instrument, or on a technique; `institution` is the one that granted it."""

    user = serializers.CharField(source="user.email")
    instrument = serializers.CharField(source="instrument.code", default=None, allow_null=True)
    institution = serializers.CharField(source="granting_institution.code")
    granted_by = serializers.CharField(source="granted_by.email", default=None, allow_null=True)

    class Meta:
        model = Qualification
        fields = [
            "id",
            "user",
            "instrument",
            "technique",
            "institution",
            "level",
            "valid_until",
            "granted_by",
            "granted_at",
        ]


class QualificationFilterSerializer(serializers.Serializer[Any]):
    """The list's filters; `expiring_within` is days from today, what is over left out."""

    mine = serializers.BooleanField(required=False)
    user = serializers.CharField(max_length=254, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    expiring_within = serializers.IntegerField(min_value=0, max_value=3660, required=False)


class NewQualificationSerializer(serializers.Serializer[Any]):
    """On an `instrument`, or on a `technique` in the name of an `institution`."""

    user = serializers.EmailField(max_length=254)
    instrument = serializers.CharField(max_length=40, required=False)
    technique = serializers.CharField(max_length=120, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    level = level_field(default=1)
    valid_until = DayField(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("instrument" in attrs) == ("technique" in attrs):
            raise serializers.ValidationError(
                {"instrument": _("Name either an instrument or a technique.")}
            )
        if ("technique" in attrs) != ("institution" in attrs):
            raise serializers.ValidationError(
                {"institution": _("A technique needs the institution that grants it, and only it.")}
            )
        return attrs


class QualificationRequestSerializer(serializers.ModelSerializer[QualificationRequest]):
    user = serializers.CharField(source="user.email")
    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    decided_by = serializers.CharField(source="decided_by.email", default=None, allow_null=True)
    state = serializers.ChoiceField(choices=RequestState.choices)

    class Meta:
        model = QualificationRequest
        fields = [
            "reference",
            "state",
            "user",
            "instrument",
            "institution",
            "level",
            "experience",
            "asked_at",
            "decided_by",
            "decided_at",
            "answer",
        ]


class QualificationRequestFilterSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=RequestState.choices, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    mine = serializers.BooleanField(required=False)


class NewQualificationRequestSerializer(serializers.Serializer[Any]):
    instrument = serializers.CharField(max_length=40)
    level = level_field(default=1)
    experience = serializers.CharField(max_length=1000)


class GrantSerializer(serializers.Serializer[Any]):
    """Without a `level` the one that was asked for; without `valid_until` for good."""

    level = level_field(required=False)
    valid_until = DayField(allow_null=True, default=None)


class DeclineSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class RecognitionSerializer(serializers.ModelSerializer[Recognition]):
    """`granting` null: anybody's; `technique` empty: all. Both days are inclusive."""

    institution = serializers.CharField(source="institution.code")
    granting = serializers.CharField(source="granting.code", default=None, allow_null=True)
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.DateField(source="last_day", allow_null=True)

    class Meta:
        model = Recognition
        fields = ["id", "institution", "granting", "technique", "valid_from", "valid_until"]


class RecognitionFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)
    granting = serializers.CharField(max_length=20, required=False)


class NewRecognitionSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20)
    granting = serializers.CharField(max_length=20, allow_null=True, default=None)
    technique = serializers.CharField(max_length=120, allow_blank=True, default="")
    valid_from = DayField()
    valid_until = DayField(allow_null=True, default=None)
