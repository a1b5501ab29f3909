"""Shapes of training sessions."""

from typing import Any

from django.db.models import Model
from rest_framework import serializers

from bookings.models import PlaceState, SessionState, TrainingPlace, TrainingSession
from institutions.api.fields import InstantField, SpanSerializer
from instruments.models import MOST_LEVEL


class TrainingSessionSerializer(serializers.ModelSerializer[TrainingSession]):
    """`left` places are free; `own_place` is the caller's, null without one."""

    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    start = serializers.DateTimeField(source="during.lower")
    end = serializers.DateTimeField(source="during.upper")
    trainer = serializers.CharField(source="trainer.full_name")
    state = serializers.ChoiceField(choices=SessionState.choices)
    left = serializers.IntegerField()
    own_place = serializers.ChoiceField(
        choices=PlaceState.choices, allow_null=True, default=None, read_only=True
    )

    class Meta:
        model: type[Model] = TrainingSession
        fields = [
            "reference",
            "state",
            "instrument",
            "institution",
            "start",
            "end",
            "places",
            "left",
            "level",
            "valid_months",
            "trainer",
            "notes",
            "own_place",
        ]


class ParticipantSerializer(serializers.ModelSerializer[TrainingPlace]):
    user = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.full_name")
    state = serializers.ChoiceField(choices=PlaceState.choices)
    signed_up_by = serializers.CharField(
        source="signed_up_by.email", allow_null=True, default=None, read_only=True
    )

    class Meta:
        model = TrainingPlace
        fields = ["user", "name", "state", "signed_up_by", "signed_up_at"]


class TrainingDetailSerializer(TrainingSessionSerializer):
    """`participants` is null for whoever neither leads the session nor works at the facility."""

    participants = ParticipantSerializer(many=True, allow_null=True)

    class Meta(TrainingSessionSerializer.Meta):
        fields = [*TrainingSessionSerializer.Meta.fields, "participants"]


class TrainingFilterSerializer(serializers.Serializer[Any]):
    """The list's filters; `open` ones are planned, to come, and have places left."""

    state = serializers.ChoiceField(choices=SessionState.choices, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    open = serializers.BooleanField(required=False)
    mine = serializers.BooleanField(required=False)
    until = InstantField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's, so the field is added by name.
        return {**super().get_fields(), "from": InstantField(required=False)}


class NewTrainingSerializer(SpanSerializer):
    """`trainer` is the e-mail of somebody on the facility's staff; without one the caller."""

    instrument = serializers.CharField(max_length=40)
    places = serializers.IntegerField(min_value=1, max_value=1000)
    trainer = serializers.EmailField(max_length=254, required=False)
    level = serializers.IntegerField(min_value=1, max_value=MOST_LEVEL, default=1)
    valid_months = serializers.IntegerField(
        min_value=1, max_value=600, allow_null=True, default=None
    )
    notes = serializers.CharField(max_length=1000, allow_blank=True, default="")


class SignUpSerializer(serializers.Serializer[Any]):
    """`user` is the e-mail of somebody else, for managers; without one the caller's own place."""

    user = serializers.EmailField(max_length=254, allow_null=True, default=None)


class AttendanceSerializer(serializers.Serializer[Any]):
    """Who was there, by e-mail; everybody else with a place was absent."""

    attended = serializers.ListField(
        child=serializers.EmailField(max_length=254), max_length=1000, allow_empty=True
    )
