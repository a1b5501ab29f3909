"""What is open and how old it is, what was mailed about it, and how an office works."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import permissions, statement_queries
from billing.actions.edit_settings import edit_settings
from billing.api import document_shapes as shapes
from billing.api.books import BooksAtSerializer, books_of, instant_of
from billing.api.tariffs import asked
from billing.models import Dispatch, Statement
from billing.models.settings import settings_of
from institutions.api.caller import caller
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User

_LOOKUPS = {"provider": "statement__provider__code", "statement": "statement__reference"}


class DispatchList(generics.ListAPIView[Dispatch]):
    """Mails of the provider's office, the newest first."""

    serializer_class = shapes.DispatchSerializer
    queryset = Dispatch.objects.none()

    def get_queryset(self) -> QuerySet[Dispatch]:
        wanted = asked(shapes.DispatchFilterSerializer, self.request.query_params)
        found = statement_queries.dispatches(caller(self.request))
        return found.filter(**{_LOOKUPS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.DispatchFilterSerializer],
        responses={200: shapes.DispatchSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class AgeingFilterSerializer(BooksAtSerializer):
    """`payer` is an institution's code."""

    payer = serializers.CharField(max_length=20, required=False)


class AgeingList(generics.GenericAPIView[Statement]):
    """What payers owe an institution by its books, by payer and age, most first."""

    serializer_class = shapes.AgedSerializer
    queryset = Statement.objects.none()

    @extend_schema(
        parameters=[AgeingFilterSerializer],
        responses={200: shapes.AgedSerializer(many=True), **problems(400, 401, 403, 404)},
        operation_id="ageing_list",
    )
    def get(self, request: Request) -> Response:
        wanted = asked(AgeingFilterSerializer, request.query_params)
        institution = books_of(request, wanted["institution"])
        rows = statement_queries.ageing(institution, at=instant_of(wanted, institution))
        if payer := wanted.get("payer"):
            rows = [row for row in rows if row.payer.code == payer]
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(shapes.AgedSerializer(page, many=True).data)


class SettingsOf(APIView):
    """How an institution's billing office works: for itself alone."""

    @extend_schema(responses={200: shapes.BillingSettingsSerializer, **problems(401, 404)})
    def get(self, request: Request, code: str) -> Response:
        found = settings_of(_own(code, caller(request)))
        return Response(shapes.BillingSettingsSerializer(found).data)

    @extend_schema(
        request=shapes.BillingSettingsBodySerializer,
        responses={200: shapes.BillingSettingsSerializer, **problems(*WRITING)},
    )
    def patch(self, request: Request, code: str) -> Response:
        user = caller(request)
        values = asked(shapes.BillingSettingsBodySerializer, request.data)
        saved = edit_settings(by=user, institution=_own(code, user), values=values)
        return Response(shapes.BillingSettingsSerializer(saved).data)


def _own(code: str, user: User) -> Institution:
    """For its own office alone; 404 for everybody else."""
    found = Institution.objects.filter(code=code).first()
    if found is None or not permissions.is_billing_office(user, found):
        raise Http404
    return found
