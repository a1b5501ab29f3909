"""What an instrument can be set up with, and how many may use it at once."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.actions.save_configuration import save_configuration
from instruments.api.serializers import NAMES
from instruments.models import Configuration, Instrument
from instruments.models.configuration import LONGEST_CHANGEOVER


class ConfigurationSerializer(serializers.ModelSerializer[Configuration]):
    name = serializers.CharField(read_only=True)
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Configuration
        fields = [*NAMES, "changeover_minutes", "active"]


class ConfigurationChangeSerializer(serializers.Serializer[Any]):
    """The whole record; `changeover_minutes` is what changing to it takes."""

    code = serializers.SlugField(max_length=40)
    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)
    changeover_minutes = serializers.IntegerField(min_value=0, max_value=LONGEST_CHANGEOVER)
    active = serializers.BooleanField(default=True)


def instrument_or_404(code: str) -> Instrument:
    found = Instrument.objects.select_related("institution").filter(code=code).first()
    if found is None:
        raise Http404
    return found


class ConfigurationList(generics.ListCreateAPIView[Configuration]):
    """The configurations of one instrument; retired ones for the facility's staff."""

    serializer_class = ConfigurationSerializer
    queryset = Configuration.objects.none()

    def get_queryset(self) -> QuerySet[Configuration]:
        instrument = instrument_or_404(self.kwargs["code"])
        visible = Configuration.objects.visible_to(caller(self.request))
        return visible.filter(instrument=instrument)

    @extend_schema(responses={200: ConfigurationSerializer(many=True), **problems(*READING)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=ConfigurationChangeSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: ConfigurationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, code: str, *args: Any, **kwargs: Any) -> Response:
        user, data = caller(request), _shaped(request)
        instrument = instrument_or_404(code)

        def effect() -> dict[str, Any]:
            return dict(ConfigurationSerializer(_save(user, instrument, data, None)).data)

        return once(request, effect)


class ConfigurationDetail(generics.GenericAPIView[Configuration]):
    """One configuration of an instrument, changed as a whole."""

    serializer_class = ConfigurationSerializer
    queryset = Configuration.objects.none()

    @extend_schema(
        request=ConfigurationChangeSerializer,
        responses={200: ConfigurationSerializer, **problems(*WRITING)},
    )
    def put(self, request: Request, code: str, configuration: str) -> Response:
        user, data = caller(request), _shaped(request)
        instrument = instrument_or_404(code)
        visible = Configuration.objects.visible_to(user)
        known = visible.filter(instrument=instrument, code=configuration).first()
        if known is None:
            raise Http404
        return Response(ConfigurationSerializer(_save(user, instrument, data, known)).data)


def _shaped(request: Request) -> dict[str, Any]:
    shape = ConfigurationChangeSerializer(data=request.data)
    shape.is_valid(raise_exception=True)
    return dict(shape.validated_data)


def _save(
    by: User, instrument: Instrument, data: dict[str, Any], configuration: Configuration | None
) -> Configuration:
    return save_configuration(
        by=by,
        instrument=instrument,
        code=data["code"],
        name_zh=data["name_zh"],
        name_en=data["name_en"],
        changeover_minutes=data["changeover_minutes"],
        is_active=data["active"],
        configuration=configuration,
    )
