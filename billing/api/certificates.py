"""Certificates of holders: shown, read, and judged by an office."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import programme_queries
from billing.actions.upload_certificate import check_certificate, upload_certificate
from billing.api.application_shapes import (
    CertificateFilterSerializer,
    CertificateSerializer,
    CertificateUploadSerializer,
    CheckSerializer,
)
from billing.certificates import SUFFIXES
from billing.models import Certificate
from institutions.api.caller import caller
from institutions.api.schema import READING, WRITING, problems
from institutions.api.uploads import UploadParser
from institutions.models import User
from instruments.api.lookups import institution_named
from kernel import clock

_FILTERS = {"holder": "holder__code", "kind": "kind"}


def certificate_named(reference: str, user: User) -> Certificate:
    """A certificate that the caller may see; 404 otherwise."""
    found = programme_queries.certificates(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


class CertificateList(generics.ListAPIView[Certificate]):
    """The holder's office sees its own, a programme office those that come with an application."""

    serializer_class = CertificateSerializer
    queryset = Certificate.objects.none()
    parser_classes = [UploadParser]

    def get_queryset(self) -> QuerySet[Certificate]:
        shape = CertificateFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_FILTERS[name]: value for name, value in shape.validated_data.items()}
        return programme_queries.certificates(caller(self.request)).filter(**wanted)

    @extend_schema(
        parameters=[CertificateFilterSerializer],
        responses={200: CertificateSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request={"multipart/form-data": CertificateUploadSerializer},
        responses={201: CertificateSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = CertificateUploadSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        certificate = upload_certificate(
            by=user,
            holder=institution_named(data["holder"], field="holder"),
            kind=data["kind"],
            size=data["size"],
            valid_from=data["valid_from"],
            valid_until=data["valid_until"],
            file_name=data["file"].name,
            content=data["file"].read(),
            at=clock.now(),
        )
        answer = CertificateSerializer(certificate_named(certificate.reference, user)).data
        return Response(answer, status=201)


class CertificateDetail(APIView):
    """What a certificate says."""

    @extend_schema(responses={200: CertificateSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        found = certificate_named(reference, caller(request))
        return Response(CertificateSerializer(found).data)


class AnyType(BaseContentNegotiation):
    """The file goes out as what it is, whatever was asked for; problems as ever."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


def download(certificate: Certificate) -> HttpResponse:
    """The file as it was sent, never shown within a page of ours."""
    name = f"{certificate.reference}.{SUFFIXES[certificate.media_type]}"
    return HttpResponse(
        bytes(certificate.file.content),
        content_type=certificate.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


class CertificateFileView(APIView):
    """The document, for those who may see the certificate."""

    content_negotiation_class = AnyType

    @extend_schema(
        responses={(200, kind): OpenApiTypes.BINARY for kind in SUFFIXES} | problems(401, 404)
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        return download(certificate_named(reference, caller(request)))


class CheckCertificate(APIView):
    """An office says, once, whether the certificate counts."""

    @extend_schema(
        request=CheckSerializer, responses={200: CertificateSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = CheckSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        certificate = certificate_named(reference, user)
        accepted = shape.validated_data["accepted"]
        check_certificate(by=user, certificate=certificate, accepted=accepted, at=clock.now())
        return Response(CertificateSerializer(certificate_named(reference, user)).data)
