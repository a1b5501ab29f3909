"""An instrument's public record with what can be booked along with it."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.models import Resource, ResourceKind
from institutions.api.schema import problems
from instruments.api.serializers import NAMES, InstrumentDetailSerializer
from instruments.api.views import InstrumentDetail
from instruments.models import Configuration, Instrument


class FittingAccessorySerializer(serializers.ModelSerializer[Resource]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Resource
        fields = NAMES


class PossibleConfigurationSerializer(serializers.ModelSerializer[Configuration]):
    name = serializers.CharField(read_only=True)

    class Meta:
        model = Configuration
        fields = [*NAMES, "changeover_minutes"]


class BookableInstrumentSerializer(InstrumentDetailSerializer):
    """The whole record, with the configurations and accessories in service."""

    configurations = PossibleConfigurationSerializer(source="configurations_in_service", many=True)
    accessories = FittingAccessorySerializer(source="accessories_in_service", many=True)

    class Meta(InstrumentDetailSerializer.Meta):
        fields = [*InstrumentDetailSerializer.Meta.fields, "configurations", "accessories"]


class BookableInstrument(InstrumentDetail):
    """The whole record: published tariffs, rules of booking, configurations and accessories."""

    serializer_class = BookableInstrumentSerializer

    def get_queryset(self) -> QuerySet[Instrument]:
        accessories = Resource.objects.filter(kind=ResourceKind.ACCESSORY, is_active=True)
        return (
            super()
            .get_queryset()
            .prefetch_related(
                Prefetch(
                    "configurations",
                    Configuration.objects.filter(is_active=True),
                    to_attr="configurations_in_service",
                ),
                Prefetch(
                    "served_by", accessories.order_by("code"), to_attr="accessories_in_service"
                ),
            )
        )

    @extend_schema(responses={200: BookableInstrumentSerializer, **problems(404)}, auth=[])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
