"""The caller's own settings."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.actions.choose_settings import choose_settings
from institutions.api.caller import caller
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User


class SettingsSerializer(serializers.ModelSerializer[User]):
    """`allows_moves`: bookings may be moved to a near equal time when an instrument is closed."""

    class Meta:
        model = User
        fields = ["allows_moves", "language"]
        extra_kwargs = {"allows_moves": {"required": True}, "language": {"required": True}}


class MySettings(generics.GenericAPIView[User]):
    """Read and replace one's own settings."""

    serializer_class = SettingsSerializer
    queryset = User.objects.none()

    @extend_schema(responses={200: SettingsSerializer, **problems(*READING)})
    def get(self, request: Request) -> Response:
        return Response(SettingsSerializer(caller(request)).data)

    @extend_schema(
        request=SettingsSerializer, responses={200: SettingsSerializer, **problems(*WRITING)}
    )
    def put(self, request: Request) -> Response:
        user = caller(request)
        shape = SettingsSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        chosen = choose_settings(by=user, **shape.validated_data)
        return Response(SettingsSerializer(chosen).data)
