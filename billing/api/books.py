"""What a billing office reads in its books."""

from datetime import datetime
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import permissions, queries
from billing.api.files import FILES, FileFilterSerializer
from billing.api.shapes import TrialBalanceSerializer
from billing.api.voucher_shapes import ClaimableSerializer
from billing.ledger_file import balance_file
from billing.ledger_queries import end_of
from billing.models import Redemption
from institutions.api.caller import caller
from institutions.api.fields import InstantOrDayField
from institutions.api.schema import problems
from institutions.models import Institution
from instruments.api.lookups import institution_named
from kernel import clock
from kernel.money import CURRENCY
from kernel.refusals import NotAllowed


class BooksOfSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20)


class BooksAtSerializer(BooksOfSerializer):
    """`at` is an instant with its offset, or a day: its end where the institution is. Now where it
    is left out."""

    at = InstantOrDayField(required=False)


class BalanceFileSerializer(BooksAtSerializer, FileFilterSerializer):
    """The same, and what kind of file."""


def books_of(request: Request, code: str) -> Institution:
    """The institution, for its billing office only. Raises `Malformed` or `NotAllowed`."""
    institution = institution_named(code, field="institution")
    if not permissions.is_billing_office(caller(request), institution):
        raise NotAllowed
    return institution


def instant_of(wanted: dict[str, Any], institution: Institution) -> datetime:
    """What `at` of a `BooksAtSerializer` means in the books of `institution`."""
    at = wanted.get("at") or clock.now()
    return at if isinstance(at, datetime) else end_of(institution, at)


class ClaimableList(generics.GenericAPIView[Redemption]):
    """What an institution can claim, by programme and funding region."""

    serializer_class = ClaimableSerializer
    queryset = Redemption.objects.none()

    @extend_schema(
        parameters=[BooksOfSerializer],
        responses={200: ClaimableSerializer(many=True), **problems(400, 401, 403, 404)},
        operation_id="claimable_list",
    )
    def get(self, request: Request) -> Response:
        shape = BooksOfSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        rows = queries.claimable(books_of(request, shape.validated_data["institution"]))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ClaimableSerializer(page, many=True).data)


class TrialBalance(APIView):
    """The books of an institution as of an instant or the end of a day; the totals are equal."""

    @extend_schema(
        parameters=[BooksAtSerializer],
        responses={200: TrialBalanceSerializer, **problems(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        shape = BooksAtSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        institution = books_of(request, shape.validated_data["institution"])
        at = instant_of(shape.validated_data, institution)
        body = queries.trial_balance(institution, at=at) | {
            "institution": institution.code,
            "at": at,
            "currency": CURRENCY,
        }
        return Response(TrialBalanceSerializer(body).data)


class TrialBalanceFile(APIView):
    """The same as a file for spreadsheets."""

    @extend_schema(
        parameters=[BalanceFileSerializer],
        responses={**FILES, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> HttpResponseBase:
        shape = BalanceFileSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        institution = books_of(request, wanted["institution"])
        return balance_file(institution, at=instant_of(wanted, institution), kind=wanted["type"])
