"""Statements as PDF."""

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from billing.api.lookups import statement_named
from billing.pdf import statement_pdf
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


class StatementPdf(APIView):
    """An issued statement in the request's language; a draft has no document yet (409)."""

    renderer_classes = (JSONRenderer, PdfRenderer)

    @extend_schema(
        responses={(200, "application/pdf"): OpenApiTypes.BINARY, **problems(401, 404, 409)}
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        statement = statement_named(reference, caller(request))
        if statement.state == StatementState.DRAFT:
            raise WrongState(statement.state)
        pdf = statement_pdf(statement.document, language=get_language() or "zh-hans")
        disposition = f'inline; filename="{statement.number}.pdf"'
        return HttpResponse(
            pdf, content_type="application/pdf", headers={"Content-Disposition": disposition}
        )
