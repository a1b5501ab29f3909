"""The public catalogue."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.api.caller import caller
from institutions.api.schema import WRITING, problems
from institutions.models import Alliance, Institution, Region
from instruments.actions.edit_instrument import edit_instrument
from instruments.api import lists, serializers
from instruments.api.edit import InstrumentEditSerializer
from instruments.facets import facets
from instruments.models import Category, Instrument
from instruments.queries import Filters, catalogue, instrument_record
from kernel import clock


class InstrumentList(generics.ListAPIView[Instrument]):
    """The instruments that fit, ranked, with counts of what was found by facet."""

    permission_classes = [AllowAny]
    serializer_class = serializers.InstrumentSerializer
    query_serializer_class = serializers.CatalogueQuerySerializer

    def asked(self) -> dict[str, Any]:
        """The query's parameters in their shape. Raises ValidationError (400)."""
        shape = self.query_serializer_class(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        return shape.validated_data

    def get_queryset(self) -> QuerySet[Instrument]:
        known = Filters.__dataclass_fields__
        given = {name: value for name, value in self.asked().items() if name in known}
        return catalogue(Filters(**given), at=clock.now())

    @extend_schema(
        parameters=[serializers.CatalogueQuerySerializer],
        responses={200: serializers.CatalogueSerializer, **problems(400, 404)},
        auth=[],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(found)
        rows = self.get_serializer(page, many=True).data
        response = self.get_paginated_response(rows)
        response.data["facets"] = facets(found)
        return response


class InstrumentDetail(generics.GenericAPIView[Instrument]):
    """The whole record, with the published tariffs and the rules of booking."""

    permission_classes = [AllowAny]
    serializer_class = serializers.InstrumentDetailSerializer
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[Instrument]:
        return instrument_record(at=clock.now())

    @extend_schema(
        responses={200: serializers.InstrumentDetailSerializer, **problems(404)}, auth=[]
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        request=InstrumentEditSerializer,
        responses={200: serializers.InstrumentDetailSerializer, **problems(*WRITING)},
    )
    def patch(self, request: Request, code: str) -> Response:
        """Change description or standing rules, as the facility's manager."""
        user, instrument = caller(request), self.get_object()
        shape = InstrumentEditSerializer(data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        edit_instrument(by=user, instrument=instrument, values=shape.validated_data)
        return Response(self.get_serializer(self.get_object()).data)


@extend_schema(responses={200: lists.RegionSerializer(many=True), **problems(404)}, auth=[])
class RegionList(generics.ListAPIView[Region]):
    """Administrative divisions by their codes of GB/T 2260."""

    permission_classes = [AllowAny]
    serializer_class = lists.RegionSerializer
    queryset = Region.objects.select_related("parent", "city")


@extend_schema(responses={200: lists.AllianceSerializer(many=True), **problems(404)}, auth=[])
class AllianceList(generics.ListAPIView[Alliance]):
    """Named sets of regions."""

    permission_classes = [AllowAny]
    serializer_class = lists.AllianceSerializer
    queryset = Alliance.objects.prefetch_related("regions")


@extend_schema(responses={200: lists.CategorySerializer(many=True), **problems(404)}, auth=[])
class CategoryList(generics.ListAPIView[Category]):
    """The national classes of instruments and their sub-classes."""

    permission_classes = [AllowAny]
    serializer_class = lists.CategorySerializer
    queryset = Category.objects.select_related("parent")


@extend_schema(responses={200: lists.InstitutionSerializer(many=True), **problems(404)}, auth=[])
class InstitutionList(generics.ListAPIView[Institution]):
    """Institutions; only what is public about them."""

    permission_classes = [AllowAny]
    serializer_class = lists.InstitutionSerializer
    queryset = Institution.objects.select_related("region")
