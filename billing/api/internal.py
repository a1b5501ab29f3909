"""Internal transfers: the journal, and the exports for the finance system."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import permissions, transfers
from billing.actions.export_transfers import export_transfers
from billing.api.files import FILES, FileFilterSerializer
from billing.api.shapes import MonthField
from billing.days import as_month
from billing.internal_file import internal_file
from billing.models import Charge, InternalExport
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from instruments.api.lookups import institution_named
from kernel import clock
from kernel.refusals import NotAllowed


class InternalFilterSerializer(serializers.Serializer[Any]):
    """Whose books; only one month where `period` is given."""

    institution = serializers.CharField(max_length=20)
    period = MonthField(required=False)


class InternalTransferSerializer(serializers.Serializer[Any]):
    """One project's transfers of a month, CNY; `waiting` stands in no export yet."""

    project = serializers.CharField(source="code")
    project_name = serializers.CharField(source="name")
    fund_number = serializers.CharField()
    period = serializers.SerializerMethodField()
    charges = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    waiting = serializers.DecimalField(max_digits=14, decimal_places=2)

    def get_period(self, row: dict[str, Any]) -> str:
        return as_month(row["period"])


class InternalExportSerializer(serializers.ModelSerializer[InternalExport]):
    """An export; `number` counts up within the institution."""

    institution = serializers.CharField(source="institution.code")
    by = serializers.CharField(source="by.email")
    charges = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        model = InternalExport
        fields = ["id", "institution", "number", "at", "by", "charges", "amount"]


class ExportFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)


class InternalTransferList(generics.GenericAPIView[Charge]):
    """What an institution's own projects paid its facilities, by project and month."""

    serializer_class = InternalTransferSerializer
    queryset = Charge.objects.none()

    @extend_schema(
        parameters=[InternalFilterSerializer],
        responses={
            200: InternalTransferSerializer(many=True),
            **problems(400, 401, 403, 404),
        },
        operation_id="internal_transfers_list",
    )
    def get(self, request: Request) -> Response:
        shape = InternalFilterSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        institution = institution_named(asked["institution"], field="institution")
        if not permissions.is_billing_office(caller(request), institution):
            raise NotAllowed
        page = self.paginate_queryset(transfers.journal(institution, asked.get("period")))
        return self.get_paginated_response(InternalTransferSerializer(page, many=True).data)


class InternalExportList(generics.ListCreateAPIView[InternalExport]):
    """The exports of the caller's billing office; each transfer stands in one of them only."""

    serializer_class = InternalExportSerializer
    queryset = InternalExport.objects.none()

    def get_queryset(self) -> QuerySet[InternalExport]:
        shape = ExportFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        found = transfers.exports(caller(self.request))
        code = shape.validated_data.get("institution")
        return found.filter(institution__code=code) if code else found

    @extend_schema(
        parameters=[ExportFilterSerializer],
        responses={200: InternalExportSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=InternalFilterSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: InternalExportSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = InternalFilterSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        asked = shape.validated_data
        institution = institution_named(asked["institution"], field="institution")

        def effect() -> dict[str, Any]:
            made = export_transfers(
                by=user, institution=institution, month=asked.get("period"), at=at
            )
            return dict(InternalExportSerializer(transfers.exports(user).get(pk=made.pk)).data)

        return once(request, effect)


class InternalExportFile(APIView):
    """An export again, as it was, as often as it is needed."""

    @extend_schema(parameters=[FileFilterSerializer], responses={**FILES, **problems(*READING)})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        shape = FileFilterSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        export = transfers.exports(caller(request)).filter(pk=pk).first()
        if export is None:
            raise Http404
        return internal_file(export, kind=shape.validated_data["type"])
