"""The shapes of questions, of their sets, and of the days on which they are asked."""

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from institutions.api.fields import EARLIEST_YEAR, LATEST_YEAR
from instruments.actions.publish_questions import Ask
from instruments.models import (
    AnswerKind,
    Question,
    QuestionSet,
    QuestionSetUse,
    Topic,
)


class DayField(serializers.DateField):
    """A day of this age."""

    default_error_messages = {"year": _("The year must lie between 2000 and 2100.")}

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            self.fail("year")
        return day


class ChoiceSerializer(serializers.Serializer[Any]):
    code = serializers.RegexField(r"^[a-z0-9][a-z0-9_]*$", max_length=40)
    name_zh = serializers.CharField(max_length=100)
    name_en = serializers.CharField(max_length=100)


class SignOffWhenSerializer(serializers.Serializer[Any]):
    """Which answers need the safety officer: some of them, or a number and more."""

    answers = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=50, default=list
    )
    at_least = serializers.DecimalField(
        max_digits=18, decimal_places=6, allow_null=True, default=None
    )


class QuestionSerializer(serializers.Serializer[Any]):
    code = serializers.RegexField(r"^[a-z][a-z0-9_]*$", max_length=40)
    topic = serializers.ChoiceField(choices=Topic.choices)
    text_zh = serializers.CharField(max_length=300)
    text_en = serializers.CharField(max_length=300)
    kind = serializers.ChoiceField(choices=AnswerKind.choices)
    choices = ChoiceSerializer(many=True, max_length=50, default=list)  # type: ignore[call-arg]
    required = serializers.BooleanField(default=True)  # type: ignore[assignment]
    needs_sign_off_when = SignOffWhenSerializer(default=dict)

    def to_representation(self, instance: Question) -> dict[str, Any]:
        at_least = instance.sign_off_at_least
        shown = {name: getattr(instance, name) for name in _SHOWN}
        when = {
            "answers": instance.sign_off_answers,
            "at_least": None if at_least is None else f"{at_least.normalize():f}",
        }
        return {**shown, "needs_sign_off_when": when}


_SHOWN = ("code", "topic", "text_zh", "text_en", "kind", "choices", "required")


class AskedSerializer(serializers.Serializer[Any]):
    """`question_set` is null where nothing is asked."""

    on = serializers.DateField()
    question_set = serializers.IntegerField(allow_null=True)
    questions = QuestionSerializer(many=True)


class DayQuerySerializer(serializers.Serializer[Any]):
    on = DayField(required=False)


class UseSerializer(serializers.ModelSerializer[QuestionSetUse]):
    """`valid_until` is the first day on which it is no longer asked, null for no end."""

    instrument = serializers.CharField(source="instrument.code")
    valid_from = serializers.DateField(source="valid.lower")
    valid_until = serializers.DateField(source="valid.upper", allow_null=True)

    class Meta:
        model = QuestionSetUse
        fields = ["instrument", "valid_from", "valid_until"]


class QuestionSetSerializer(serializers.ModelSerializer[QuestionSet]):
    name = serializers.CharField(read_only=True)
    institution = serializers.CharField(source="institution.code")
    previous = serializers.IntegerField(source="previous_id", allow_null=True)
    questions = QuestionSerializer(many=True)
    uses = UseSerializer(many=True)

    class Meta:
        model = QuestionSet
        fields = [
            "id",
            "name",
            "name_zh",
            "name_en",
            "institution",
            "version",
            "previous",
            "created_at",
            "questions",
            "uses",
        ]


class VersionRequestSerializer(serializers.Serializer[Any]):
    """What is asked, of which instruments, from which day on."""

    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)
    valid_from = DayField()
    instruments = serializers.ListField(child=serializers.CharField(max_length=40), max_length=500)
    questions = QuestionSerializer(  # type: ignore[call-arg]
        many=True, min_length=1, max_length=50
    )


class QuestionSetRequestSerializer(VersionRequestSerializer):
    institution = serializers.CharField(max_length=20)


class EndRequestSerializer(serializers.Serializer[Any]):
    on = DayField()


class SetFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)


def ask_of(row: dict[str, Any]) -> Ask:
    when = row["needs_sign_off_when"]
    return Ask(
        **{name: row[name] for name in _SHOWN if name != "choices"},
        choices=[dict(choice) for choice in row["choices"]],
        sign_off_answers=when.get("answers", []),
        sign_off_at_least=when.get("at_least"),
    )
