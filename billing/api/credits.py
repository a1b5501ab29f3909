"""Credit notes and write-offs."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import statement_queries
from billing.actions.credit_charge import credit_charge
from billing.actions.write_off import confirm_write_off, decline_write_off, propose_write_off
from billing.api import document_shapes as shapes
from billing.api.lookups import statement_in_body, statement_named
from billing.api.tariffs import KEY, asked
from billing.models import CreditNote, WriteOff
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from kernel import clock

_NOTES = {
    "provider": "provider__code",
    "payer": "payer__code",
    "statement": "statement__reference",
}
_WRITE_OFFS = {
    "provider": "statement__provider__code",
    "payer": "statement__payer__code",
    "statement": "statement__reference",
    "state": "state",
}


class CreditStatement(APIView):
    """Takes one charge of an issued statement back, by a numbered credit note."""

    @extend_schema(
        request=shapes.CreditBodySerializer,
        parameters=[KEY],
        responses={201: shapes.CreditNoteSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.CreditBodySerializer, request.data)
        statement = statement_named(reference, user)

        def effect() -> dict[str, Any]:
            note = credit_charge(by=user, statement=statement, at=at, **data)
            return dict(shapes.CreditNoteSerializer(note).data)

        return once(request, effect)


class CreditNoteList(generics.ListAPIView[CreditNote]):
    """For the billing offices of both parties, the newest first."""

    serializer_class = shapes.CreditNoteSerializer
    queryset = CreditNote.objects.none()

    def get_queryset(self) -> QuerySet[CreditNote]:
        wanted = asked(shapes.PartiesFilterSerializer, self.request.query_params)
        found = statement_queries.credit_notes(caller(self.request))
        return found.filter(**{_NOTES[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.PartiesFilterSerializer],
        responses={200: shapes.CreditNoteSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


def note_named(reference: str, user: User) -> CreditNote:
    """One that the caller may see; 404 otherwise."""
    found = statement_queries.credit_notes(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


class CreditNoteDetail(APIView):
    """One credit note."""

    @extend_schema(responses={200: shapes.CreditNoteSerializer, **problems(401, 404)})
    def get(self, request: Request, reference: str) -> Response:
        note = note_named(reference, caller(request))
        return Response(shapes.CreditNoteSerializer(note).data)


class WriteOffList(generics.ListCreateAPIView[WriteOff]):
    """For the provider's billing office, the newest first."""

    serializer_class = shapes.WriteOffSerializer
    queryset = WriteOff.objects.none()

    def get_queryset(self) -> QuerySet[WriteOff]:
        wanted = asked(shapes.WriteOffFilterSerializer, self.request.query_params)
        found = statement_queries.write_offs(caller(self.request))
        return found.filter(**{_WRITE_OFFS[name]: value for name, value in wanted.items()})

    @extend_schema(
        parameters=[shapes.WriteOffFilterSerializer],
        responses={200: shapes.WriteOffSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Propose to give up what is open; somebody else of the office confirms",
        request=shapes.WriteOffBodySerializer,
        parameters=[KEY],
        responses={201: shapes.WriteOffSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = asked(shapes.WriteOffBodySerializer, request.data)
        statement = statement_in_body(data["statement"], user)

        def effect() -> dict[str, Any]:
            made = propose_write_off(by=user, statement=statement, reason=data["reason"], at=at)
            return dict(shapes.WriteOffSerializer(made).data)

        return once(request, effect)


class _Decide(APIView):
    confirm = True

    def post(self, request: Request, reference: str) -> Response:
        user, act = caller(request), confirm_write_off if self.confirm else decline_write_off
        found = statement_queries.write_offs(user).filter(reference=reference).first()
        if found is None:
            raise Http404
        decided = act(by=user, write_off=found, at=clock.now())
        return Response(shapes.WriteOffSerializer(decided).data)


@extend_schema(
    summary="Confirm, as another one than who proposed it",
    request=None,
    responses={200: shapes.WriteOffSerializer, **problems(*WRITING)},
)
class ConfirmWriteOff(_Decide):
    """The books follow, and the statement is written off."""


@extend_schema(
    summary="Decline: the payer still owes",
    request=None,
    responses={200: shapes.WriteOffSerializer, **problems(*WRITING)},
)
class DeclineWriteOff(_Decide):
    """Nothing is posted."""

    confirm = False
