"""Running a programme: its rules, pools, and admitted providers."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import programme_queries, queries
from billing.actions.admit_provider import admit_provider, end_admission
from billing.actions.set_pool import set_pool
from billing.actions.set_terms import RULES, set_terms
from billing.api.programme_shapes import (
    AdmissionFilterSerializer,
    AdmissionSerializer,
    NewAdmissionSerializer,
    NewPoolSerializer,
    NewTermsSerializer,
    ProgrammeDetailSerializer,
    ProgrammeYearSerializer,
)
from billing.api.shapes import LastDaySerializer
from billing.api.voucher_shapes import PoolSerializer
from billing.models import Admission, Programme
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Region, User
from instruments.api.lookups import institution_named
from kernel import clock
from kernel.refusals import Malformed

KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


def programme_named(code: str, user: User) -> Programme:
    """A programme that the caller may see; 404 otherwise."""
    found = queries.programmes(user).filter(code=code).first()
    if found is None:
        raise Http404
    return found


def programme_in(data: dict[str, Any], user: User) -> Programme:
    """The one that a body names. Raises `Malformed` on `programme`."""
    found = queries.programmes(user).filter(code=data["programme"]).first()
    if found is None:
        raise Malformed({"programme": [_("There is no voucher programme with this code.")]})
    return found


def regions_named(codes: list[str], *, field: str) -> list[Region]:
    """Regions are public. Raises `Malformed` on `field`."""
    found = list(Region.objects.filter(code__in=codes))
    if len(found) < len(set(codes)):
        raise Malformed({field: [_("Unknown region.")]})
    return found


def terms_in(data: dict[str, Any]) -> dict[str, Any]:
    """A version of the rules as the actions take it. Raises `Malformed` on an unknown region."""
    sides = ("holder_regions", "provider_regions")
    return {
        "rules": {name: data[name] for name in RULES},
        "valid_from": data["valid_from"],
        "valid_until": data["valid_until"],
        **{side: regions_named(data[side], field=side) for side in sides},
    }


def detail_of(code: str, user: User, *, year: int | None = None) -> dict[str, Any]:
    """The programme as the API shows it, read anew."""
    programme: Any = programme_named(code, user)
    today = clock.today(settings.TIME_ZONE)
    programme.current_terms = queries.terms_on(programme, today)
    programme.funding_regions = sorted({one.funding_region.code for one in programme.pools.all()})
    programme.versions = programme.terms.all()
    programme.admitted = programme.admissions.select_related("programme", "provider")
    programme.year = year or today.year
    programme.use = []
    if programme.seen_pools:
        programme.use = programme_queries.city_pairs(user, programme, programme.year)
    return dict(ProgrammeDetailSerializer(programme).data)


class ProgrammeDetail(APIView):
    """A programme with the history of its rules, who is admitted, and what it pays for."""

    @extend_schema(
        parameters=[ProgrammeYearSerializer],
        responses={200: ProgrammeDetailSerializer, **problems(*READING)},
    )
    def get(self, request: Request, code: str) -> Response:
        shape = ProgrammeYearSerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        year = shape.validated_data.get("year")
        return Response(detail_of(code, caller(request), year=year))


class ProgrammeTermsView(APIView):
    """Other rules from a day on; the version before ends the day before. For the lead office."""

    @extend_schema(
        request=NewTermsSerializer,
        parameters=[KEY],
        responses={201: ProgrammeDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, code: str) -> Response:
        user = caller(request)
        shape = NewTermsSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        programme = programme_named(code, user)
        terms = terms_in(data)

        def effect() -> dict[str, Any]:
            set_terms(by=user, programme=programme, at=clock.now(), **terms)
            return detail_of(code, user)

        return once(request, effect)


class ProgrammePools(APIView):
    """Sets what a region pays for its own holders in a year. For that region's office."""

    @extend_schema(
        request=NewPoolSerializer,
        parameters=[KEY],
        responses={201: PoolSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, code: str) -> Response:
        user = caller(request)
        shape = NewPoolSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        programme = programme_named(code, user)
        [region] = regions_named([data["funding_region"]], field="funding_region")

        def effect() -> dict[str, Any]:
            pool = set_pool(
                by=user,
                programme=programme,
                region=region,
                year=data["year"],
                amount=data["amount"],
                at=clock.now(),
            )
            return dict(PoolSerializer(pool).data)

        return once(request, effect)


class AdmissionList(generics.ListCreateAPIView[Admission]):
    """Who is admitted to the programmes that the caller may see; the lead office adds to it."""

    serializer_class = AdmissionSerializer
    queryset = Admission.objects.none()

    def get_queryset(self) -> QuerySet[Admission]:
        shape = AdmissionFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {f"{name}__code": value for name, value in shape.validated_data.items()}
        return programme_queries.admissions(caller(self.request)).filter(**wanted).order_by("pk")

    @extend_schema(
        parameters=[AdmissionFilterSerializer],
        responses={200: AdmissionSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewAdmissionSerializer,
        parameters=[KEY],
        responses={201: AdmissionSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = NewAdmissionSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        programme = programme_in(data, user)
        provider = institution_named(data["provider"], field="provider")

        def effect() -> dict[str, Any]:
            admission = admit_provider(
                by=user,
                programme=programme,
                provider=provider,
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
                at=clock.now(),
            )
            return dict(AdmissionSerializer(admission).data)

        return once(request, effect)


class EndAdmission(APIView):
    """The provider's service counts until `last_day`. For the lead office."""

    @extend_schema(
        request=LastDaySerializer, responses={200: AdmissionSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        shape = LastDaySerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        admission = programme_queries.admissions(user).filter(pk=pk).first()
        if admission is None:
            raise Http404
        last_day = shape.validated_data["last_day"]
        admission = end_admission(by=user, admission=admission, last_day=last_day, at=clock.now())
        return Response(AdmissionSerializer(admission).data)
