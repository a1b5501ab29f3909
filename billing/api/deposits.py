"""Deposits and credit: accounts, what came in and went out, refunds."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import ledger_queries as queries
from billing.actions.edit_settings import edit_settings
from billing.actions.pay_in import pay_in, reverse_move
from billing.actions.refund_deposit import ask_refund, pay_refund, withdraw_refund
from billing.actions.settle_deposit import settle_deposit
from billing.api import book_shapes as shapes
from billing.api.tariffs import KEY, asked
from billing.models import DepositAccount, DepositMove, DepositRefund
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution
from instruments.api.lookups import institution_named
from kernel import clock

_PARTIES = {"provider": "provider__code", "payer": "payer__code"}
_OF_ACCOUNT = {
    "provider": "account__provider__code",
    "payer": "account__payer__code",
    "kind": "kind",
    "state": "state",
}


def _parties(data: dict[str, Any]) -> dict[str, Institution]:
    """Provider and payer by their codes. Raises `Malformed`."""
    return {name: institution_named(data[name], field=name) for name in ("provider", "payer")}


class DepositList(generics.ListAPIView[DepositAccount]):
    """For the billing offices of both parties."""

    serializer_class = shapes.DepositSerializer
    queryset = DepositAccount.objects.none()

    def get_queryset(self) -> QuerySet[DepositAccount]:
        wanted = asked(shapes.PartiesFilterSerializer, self.request.query_params)
        found = queries.deposits(caller(self.request))
        return found.filter(**{_PARTIES[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.PartiesFilterSerializer],
        responses={200: shapes.DepositSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class DepositTerms(APIView):
    """How much credit a payer has, and whether his bookings need cover."""

    @extend_schema(
        request=shapes.DepositTermsBodySerializer,
        responses={200: shapes.DepositSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request) -> Response:
        data = asked(shapes.DepositTermsBodySerializer, request.data)
        account = settle_deposit(
            by=caller(request),
            credit_limit=data["credit_limit"],
            is_demanded=data["demanded"],
            **_parties(data),
        )
        return Response(shapes.DepositSerializer(account).data)


class DemandDeposits(APIView):
    """Whether a provider demands a deposit of everybody."""

    @extend_schema(
        request=shapes.DemandSerializer,
        responses={200: shapes.DemandSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request) -> Response:
        data = asked(shapes.DemandSerializer, request.data)
        provider = institution_named(data["provider"], field="provider")
        values = {"deposit_demanded": data["demanded"]}
        edit_settings(by=caller(request), institution=provider, values=values)
        return Response(shapes.DemandSerializer(data).data)


class MoveList(generics.ListCreateAPIView[DepositMove]):
    """What came into deposits and went out."""

    serializer_class = shapes.MoveSerializer
    queryset = DepositMove.objects.none()

    def get_queryset(self) -> QuerySet[DepositMove]:
        wanted = asked(shapes.MoveFilterSerializer, self.request.query_params)
        found = queries.moves(caller(self.request))
        return found.filter(**{_OF_ACCOUNT[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.MoveFilterSerializer],
        responses={200: shapes.MoveSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Record what a payer has paid in advance",
        request=shapes.PayInBodySerializer,
        parameters=[KEY],
        responses={201: shapes.MoveSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.PayInBodySerializer, request.data)
        parties = _parties(data)

        def effect() -> dict[str, Any]:
            made = pay_in(
                by=user,
                amount=data["amount"],
                bank_reference=data["bank_reference"],
                at=at,
                **parties,
            )
            return dict(shapes.MoveSerializer(made).data)

        return once(request, effect)


class ReverseMove(APIView):
    """Takes back what was recorded by mistake; answers with the row that does."""

    @extend_schema(
        request=shapes.DepositReasonSerializer,
        responses={200: shapes.MoveSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        move = queries.moves(user).filter(reference=reference).first()
        if move is None:
            raise Http404
        data = asked(shapes.DepositReasonSerializer, request.data)
        back = reverse_move(by=user, move=move, reason=data["reason"], at=clock.now())
        return Response(shapes.MoveSerializer(back).data)


class RefundList(generics.ListCreateAPIView[DepositRefund]):
    """What was asked back."""

    serializer_class = shapes.RefundSerializer
    queryset = DepositRefund.objects.none()

    def get_queryset(self) -> QuerySet[DepositRefund]:
        wanted = asked(shapes.RefundFilterSerializer, self.request.query_params)
        found = queries.refunds(caller(self.request))
        return found.filter(**{_OF_ACCOUNT[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.RefundFilterSerializer],
        responses={200: shapes.RefundSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Ask for what is left of a deposit",
        request=shapes.RefundBodySerializer,
        parameters=[KEY],
        responses={201: shapes.RefundSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.RefundBodySerializer, request.data)
        account = queries.deposits(user).filter(**_parties(data)).first()
        if account is None:
            raise Http404

        def effect() -> dict[str, Any]:
            made = ask_refund(
                by=user, account=account, amount=data["amount"], reason=data["reason"], at=at
            )
            return dict(shapes.RefundSerializer(made).data)

        return once(request, effect)


def _refund(request: Request, reference: str) -> DepositRefund:
    found = queries.refunds(caller(request)).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


class PayRefund(APIView):
    """The second step, by another one than who asked."""

    @extend_schema(
        request=shapes.PayOutBodySerializer,
        responses={200: shapes.RefundSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        refund = _refund(request, reference)
        data = asked(shapes.PayOutBodySerializer, request.data)
        done = pay_refund(
            by=caller(request),
            refund=refund,
            bank_reference=data["bank_reference"],
            at=clock.now(),
        )
        return Response(shapes.RefundSerializer(done).data)


class WithdrawRefund(APIView):
    """It is not paid out."""

    @extend_schema(request=None, responses={200: shapes.RefundSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        refund = _refund(request, reference)
        done = withdraw_refund(by=caller(request), refund=refund, at=clock.now())
        return Response(shapes.RefundSerializer(done).data)
