"""Fapiao: ask, withdraw, export for the invoicing system, record the numbers."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import statement_queries
from billing.actions.export_fapiao import export_fapiao, record_fapiao
from billing.actions.request_fapiao import request_fapiao, withdraw_fapiao
from billing.api import fapiao_shapes as shapes
from billing.api.files import FILES, FileFilterSerializer
from billing.api.filters import ProviderFilterSerializer
from billing.api.lookups import statement_in_body
from billing.api.tariffs import KEY, asked
from billing.fapiao_file import fapiao_file
from billing.models import FapiaoExport, FapiaoRequest
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.api.lookups import institution_named
from kernel import clock

_LOOKUPS = {
    "provider": "statement__provider__code",
    "payer": "statement__payer__code",
    "statement": "statement__reference",
    "state": "state",
}


class FapiaoList(generics.ListCreateAPIView[FapiaoRequest]):
    """For the billing offices of both parties, the newest first."""

    serializer_class = shapes.FapiaoSerializer
    queryset = FapiaoRequest.objects.none()

    def get_queryset(self) -> QuerySet[FapiaoRequest]:
        wanted = asked(shapes.FapiaoFilterSerializer, self.request.query_params)
        found = statement_queries.fapiao_requests(caller(self.request))
        return found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.FapiaoFilterSerializer],
        responses={200: shapes.FapiaoSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Ask for a fapiao over the gross price of what is left of a statement",
        request=shapes.FapiaoBodySerializer,
        parameters=[KEY],
        responses={201: shapes.FapiaoSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.FapiaoBodySerializer, request.data)
        statement = statement_in_body(data.pop("statement"), user)

        def effect() -> dict[str, Any]:
            made = request_fapiao(by=user, statement=statement, values=data, at=at)
            return dict(shapes.FapiaoSerializer(made).data)

        return once(request, effect)


def fapiao_named(reference: str, user: User) -> FapiaoRequest:
    """One that the caller may see; 404 otherwise."""
    found = statement_queries.fapiao_requests(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


class FapiaoDetail(APIView):
    """One request."""

    @extend_schema(responses={200: shapes.FapiaoSerializer, **problems(401, 404)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(shapes.FapiaoSerializer(fapiao_named(reference, caller(request))).data)


class WithdrawFapiao(APIView):
    """Takes a request back; once it is exported, only the seller's office can."""

    @extend_schema(request=None, responses={200: shapes.FapiaoSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        done = withdraw_fapiao(by=user, fapiao=fapiao_named(reference, user))
        return Response(shapes.FapiaoSerializer(done).data)


class RecordFapiao(APIView):
    """The number that the invoicing system gave."""

    @extend_schema(
        request=shapes.FapiaoNumberSerializer,
        responses={200: shapes.FapiaoSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        data = asked(shapes.FapiaoNumberSerializer, request.data)
        done = record_fapiao(by=user, fapiao=fapiao_named(reference, user), at=clock.now(), **data)
        return Response(shapes.FapiaoSerializer(done).data)


def _exports(user: User) -> QuerySet[FapiaoExport]:
    requests = FapiaoRequest.objects.order_by("pk").only("reference", "export")
    return statement_queries.fapiao_exports(user).prefetch_related(Prefetch("requests", requests))


class FapiaoExportList(generics.ListCreateAPIView[FapiaoExport]):
    """What was given to the invoicing system together, the newest first."""

    serializer_class = shapes.FapiaoExportSerializer
    queryset = FapiaoExport.objects.none()

    def get_queryset(self) -> QuerySet[FapiaoExport]:
        wanted = asked(ProviderFilterSerializer, self.request.query_params)
        found = _exports(caller(self.request))
        return found.filter(**{f"{name}__code": value for name, value in wanted.items()})

    @extend_schema(
        parameters=[ProviderFilterSerializer],
        responses={200: shapes.FapiaoExportSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Export every request that waits; none is exported twice",
        request=shapes.ProviderSerializer,
        parameters=[KEY],
        responses={201: shapes.FapiaoExportSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.ProviderSerializer, request.data)
        provider = institution_named(data["provider"], field="provider")

        def effect() -> dict[str, Any]:
            made = export_fapiao(by=user, provider=provider, at=at)
            return dict(shapes.FapiaoExportSerializer(_exports(user).get(pk=made.pk)).data)

        return once(request, effect)


class FapiaoExportFile(APIView):
    """The file for the invoicing system, again as often as it is needed."""

    @extend_schema(
        parameters=[FileFilterSerializer],
        responses={
            **FILES,
            **problems(*READING),
        },
    )
    def get(self, request: Request, reference: str) -> HttpResponseBase:
        wanted = asked(FileFilterSerializer, request.query_params)
        found = statement_queries.fapiao_exports(caller(request)).filter(reference=reference)
        export = found.first()
        if export is None:
            raise Http404
        return fapiao_file(export, kind=wanted["type"])
