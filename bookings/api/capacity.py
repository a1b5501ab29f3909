"""How many may use an instrument at once."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.actions.change_capacity import MOST, change_capacity
from institutions.api.caller import caller
from institutions.api.schema import WRITING, problems
from instruments.api.configurations import instrument_or_404
from kernel import clock


class CapacitySerializer(serializers.Serializer[Any]):
    capacity = serializers.IntegerField(min_value=1, max_value=MOST)


class Capacity(APIView):
    """Give an instrument more seats, or fewer where nobody has booked those that go."""

    @extend_schema(
        request=CapacitySerializer, responses={200: CapacitySerializer, **problems(*WRITING)}
    )
    def put(self, request: Request, code: str) -> Response:
        user = caller(request)
        shape = CapacitySerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        instrument = change_capacity(
            by=user,
            instrument=instrument_or_404(code),
            capacity=shape.validated_data["capacity"],
            at=clock.now(),
        )
        return Response(CapacitySerializer(instrument).data)
