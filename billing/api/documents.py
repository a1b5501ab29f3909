"""Statements and credit notes as PDF."""

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from billing.api.credits import note_named
from billing.api.lookups import statement_named
from billing.api.tariffs import asked
from billing.pdf import BOTH, credit_pdf, statement_pdf
from billing.states import StatementState
from institutions.api.caller import caller
from institutions.api.schema import problems
from kernel.refusals import WrongState


class PdfRenderer(BaseRenderer):
    """Lets clients ask for `application/pdf`; what is rendered here is only ever a problem."""

    media_type = "application/pdf"
    format = "pdf"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return json.dumps(data, ensure_ascii=False, default=str).encode()


class LanguageSerializer(serializers.Serializer[Any]):
    """Without `language` that of the request; `both`: side by side."""

    language = serializers.ChoiceField(choices=["zh-hans", "en", BOTH], required=False)


_PDF = extend_schema(
    parameters=[LanguageSerializer],
    responses={(200, "application/pdf"): OpenApiTypes.BINARY, **problems(400, 401, 404, 409)},
)


class StatementPdf(APIView):
    """An issued statement in one language or in both; a draft has no document yet (409)."""

    renderer_classes = (JSONRenderer, PdfRenderer)

    @_PDF
    def get(self, request: Request, reference: str) -> HttpResponse:
        statement = statement_named(reference, caller(request))
        language = _language(request)
        if statement.state == StatementState.DRAFT:
            raise WrongState(statement.state)
        return _answer(statement_pdf(statement.document, language=language), str(statement.number))


class CreditNotePdf(APIView):
    """A credit note in one language or in both."""

    renderer_classes = (JSONRenderer, PdfRenderer)

    @_PDF
    def get(self, request: Request, reference: str) -> HttpResponse:
        note = note_named(reference, caller(request))
        return _answer(credit_pdf(note.document, language=_language(request)), note.number)


def _language(request: Request) -> str:
    wanted = asked(LanguageSerializer, request.query_params)
    return wanted.get("language") or get_language() or "zh-hans"


def _answer(pdf: bytes, number: str) -> HttpResponse:
    return HttpResponse(
        pdf,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{number}.pdf"'},
    )
