"""How the lists that the catalogue stands on look from outside."""

from typing import Any

from rest_framework import serializers

from institutions.models import Alliance, Institution, Region
from instruments.api.serializers import NAMES
from instruments.models import Category


class RegionSerializer(serializers.ModelSerializer[Region]):
    name = serializers.CharField(read_only=True)
    parent = serializers.CharField(  # type: ignore[assignment]
        source="parent.code", default=None, allow_null=True
    )
    city = serializers.CharField(source="city.code", default=None, allow_null=True)

    class Meta:
        model = Region
        fields = [*NAMES, "level", "parent", "city"]


class AllianceSerializer(serializers.ModelSerializer[Alliance]):
    name = serializers.CharField(read_only=True)
    regions: Any = serializers.SlugRelatedField("code", many=True, read_only=True)

    class Meta:
        model = Alliance
        fields = [*NAMES, "regions"]


class CategorySerializer(serializers.ModelSerializer[Category]):
    name = serializers.CharField(read_only=True)
    parent = serializers.CharField(  # type: ignore[assignment]
        source="parent.code", default=None, allow_null=True
    )

    class Meta:
        model = Category
        fields = [*NAMES, "parent"]


class InstitutionSerializer(serializers.ModelSerializer[Institution]):
    name = serializers.CharField(read_only=True)
    region = serializers.CharField(source="region.code")
    demo = serializers.BooleanField(source="is_demo")

    class Meta:
        model = Institution
        fields = [*NAMES, "kind", "region", "timezone", "provenance", "demo"]
