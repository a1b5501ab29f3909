"""Entries of the books, and months that are closed."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import ledger_queries as queries
from billing.actions.close_month import close_month
from billing.api import book_shapes as shapes
from billing.api.books import books_of
from billing.api.files import FILES, FileFilterSerializer
from billing.api.tariffs import KEY, asked
from billing.ledger_file import postings_file
from billing.models import AccountingMonth, LedgerEntry
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from instruments.api.lookups import institution_named
from kernel import clock

_LOOKUPS = {
    "institution": "institution__code",
    "account": "postings__account",
    "party": "postings__party__code",
    "month": "period",
    "kind": "kind",
}

_OF_POSTINGS = {
    "account": "account",
    "party": "party__code",
    "month": "entry__period",
    "kind": "entry__kind",
}


class EntryList(generics.ListAPIView[LedgerEntry]):
    """For billing offices, each its own books; newest first, each with its document."""

    serializer_class = shapes.LedgerEntrySerializer
    queryset = LedgerEntry.objects.none()

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        wanted = asked(shapes.EntryFilterSerializer, self.request.query_params)
        found = queries.entries(caller(self.request))
        return found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()}).distinct()

    @extend_schema(
        parameters=[shapes.EntryFilterSerializer],
        responses={200: shapes.LedgerEntrySerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class EntryFileSerializer(shapes.EntryFilterSerializer, FileFilterSerializer):
    """The same filters, of one institution's books, and what kind of file."""

    institution = serializers.CharField(max_length=20)


class EntryFile(APIView):
    """What was posted, as a file: a row for each side of an entry that fits the filters."""

    @extend_schema(
        parameters=[EntryFileSerializer],
        responses={**FILES, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = asked(EntryFileSerializer, request.query_params)
        institution, kind = books_of(request, wanted.pop("institution")), wanted.pop("type")
        lookups = {_OF_POSTINGS[name]: value for name, value in wanted.items()}
        found = queries.sides(institution, **lookups)
        return postings_file(f"ledger-{institution.code}", found, kind=kind)


class MonthList(generics.ListCreateAPIView[AccountingMonth]):
    """Closed months; the last one of an institution closes all before it as well."""

    serializer_class = shapes.AccountingMonthSerializer
    queryset = AccountingMonth.objects.none()

    def get_queryset(self) -> QuerySet[AccountingMonth]:
        wanted = asked(shapes.MonthFilterSerializer, self.request.query_params)
        found = queries.closed_months(caller(self.request))
        return found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.MonthFilterSerializer],
        responses={200: shapes.AccountingMonthSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Close a month, and all before it",
        request=shapes.MonthBodySerializer,
        parameters=[KEY],
        responses={201: shapes.AccountingMonthSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.MonthBodySerializer, request.data)
        institution = institution_named(data["institution"], field="institution")

        def effect() -> dict[str, Any]:
            made = close_month(by=user, institution=institution, month=data["month"], at=at)
            return dict(shapes.AccountingMonthSerializer(made).data)

        return once(request, effect)
