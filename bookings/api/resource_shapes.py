"""What goes in and out about accessories and operators: shapes only."""

from typing import Any

from rest_framework import serializers

from bookings.models import Resource
from instruments.api.serializers import NAMES


class ResourceFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    # A query is read like a form, in which a box that is not there would be one without a tick.
    active = serializers.BooleanField(required=False, allow_null=True)


class AccessorySerializer(serializers.ModelSerializer[Resource]):
    name = serializers.CharField(read_only=True)
    institution = serializers.CharField(source="institution.code")
    instruments: Any = serializers.SlugRelatedField(
        "code", source="serves", many=True, read_only=True
    )
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Resource
        fields = [*NAMES, "institution", "instruments", "active"]


class OperatorRecordSerializer(serializers.ModelSerializer[Resource]):
    operator = serializers.EmailField(source="person.email")
    name = serializers.CharField(source="person.full_name")
    institution = serializers.CharField(source="institution.code")
    instruments: Any = serializers.SlugRelatedField(
        "code", source="serves", many=True, read_only=True
    )
    working_hours = serializers.CharField(source="working_hours.slug", allow_null=True)
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Resource
        fields = [
            "id",
            "operator",
            "name",
            "institution",
            "instruments",
            "working_hours",
            "active",
        ]


class _ServesSerializer(serializers.Serializer[Any]):
    instruments = serializers.ListField(child=serializers.CharField(max_length=40), max_length=200)
    active = serializers.BooleanField(default=True)


class AccessoryChangeSerializer(_ServesSerializer):
    """The whole record; the code may change."""

    code = serializers.CharField(max_length=40)
    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)


class NewAccessorySerializer(AccessoryChangeSerializer):
    institution = serializers.CharField(max_length=20)


class OperatorChangeSerializer(_ServesSerializer):
    """The whole record; `working_hours` names an opening calendar, null: whenever it is open."""

    working_hours = serializers.CharField(max_length=60, allow_null=True, default=None)


class NewOperatorSerializer(OperatorChangeSerializer):
    institution = serializers.CharField(max_length=20)
    operator = serializers.EmailField(max_length=254)
