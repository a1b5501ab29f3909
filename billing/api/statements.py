"""Draft, issue, list and read statements."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import queries
from billing.actions.dispatch import send_again
from billing.actions.draft_statement import (
    draft_for_booking,
    draft_for_contract,
    draft_statement,
)
from billing.actions.draw_deposit import draw_deposit_for
from billing.actions.issue_statement import issue_statement
from billing.api.filters import ProviderFilterSerializer
from billing.api.lookups import statement_named
from billing.api.shapes import (
    MonthField,
    StatementBodySerializer,
    StatementDetailSerializer,
    StatementSerializer,
)
from billing.api.tariffs import asked
from billing.documents import rates_of
from billing.models import Statement, StatementKind
from billing.statement_queries import credit_notes, what_became
from billing.states import StatementState
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.api.lookups import institution_named
from kernel import clock

_BECAME = ("credited", "drawn", "written_off", "open")
_FILTERS = {
    "provider": "provider__code",
    "payer": "payer__code",
    "state": "state",
    "period": "period",
    "kind": "kind",
}


class StatementFilterSerializer(ProviderFilterSerializer):
    """The list's filters."""

    payer = serializers.CharField(max_length=20, required=False)
    state = serializers.ChoiceField(choices=StatementState.choices, required=False)
    period = MonthField(required=False)
    kind = serializers.ChoiceField(choices=StatementKind.choices, required=False)


class StatementList(generics.ListCreateAPIView[Statement]):
    """The provider's billing office sees all of its own, the payer's the issued ones."""

    serializer_class = StatementSerializer
    queryset = Statement.objects.none()

    def get_queryset(self) -> QuerySet[Statement]:
        shape = StatementFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_FILTERS[name]: value for name, value in shape.validated_data.items()}
        return queries.statements(caller(self.request)).filter(**wanted)

    @extend_schema(
        parameters=[StatementFilterSerializer],
        responses={200: StatementSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=StatementBodySerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: StatementDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(StatementBodySerializer, request.data)
        provider = institution_named(data["provider"], field="provider")
        payer = institution_named(data["payer"], field="payer")

        def effect() -> dict[str, Any]:
            parties: dict[str, Any] = {"by": user, "provider": provider, "payer": payer, "at": at}
            if "booking" in data:
                draft = draft_for_booking(**parties, booking=data["booking"])
            elif "contract" in data:
                draft = draft_for_contract(**parties, contract=data["contract"])
            else:
                draft = draft_statement(**parties, month=data["period"])
            return detail_of(draft.reference, user)

        return once(request, effect)


def detail_of(reference: str, user: User) -> dict[str, Any]:
    """The statement with its charges as the API shows it, read anew."""
    statement = statement_named(reference, user)
    is_draft = statement.state == StatementState.DRAFT
    became = dict.fromkeys(_BECAME) if is_draft else what_became(statement)
    charges = queries.statement_charges(statement)
    notes = credit_notes(user).filter(statement=statement)
    shown = {"charges": charges, "rates": rates_of(charges), "notes": notes}
    for name, value in (became | shown).items():
        setattr(statement, name, value)
    return dict(StatementDetailSerializer(statement).data)


class StatementDetail(APIView):
    """One statement with its charges."""

    @extend_schema(responses={200: StatementDetailSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(detail_of(reference, caller(request)))


class IssueStatement(APIView):
    """The draft gets its number and is frozen; the books follow."""

    @extend_schema(request=None, responses={200: StatementDetailSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        issue_statement(by=user, statement=statement_named(reference, user), at=clock.now())
        return Response(detail_of(reference, user))


class DrawDeposit(APIView):
    """What is open on an issued statement is paid from the payer's deposit, as far as it goes."""

    @extend_schema(request=None, responses={200: StatementDetailSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        draw_deposit_for(by=user, statement=statement_named(reference, user), at=clock.now())
        return Response(detail_of(reference, user))


class SendStatement(APIView):
    """An issued statement is mailed to the payer's billing officers once more."""

    @extend_schema(request=None, responses={200: StatementDetailSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        send_again(by=user, statement=statement_named(reference, user), at=clock.now())
        return Response(detail_of(reference, user))
