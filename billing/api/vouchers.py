"""Programmes and allotments."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import queries
from billing.actions.found_programme import found_programme
from billing.actions.grant_allotment import grant_allotment
from billing.actions.suspend_allotment import resume_allotment, suspend_allotment
from billing.api.application_shapes import NewAllotmentSerializer
from billing.api.programme_shapes import NewProgrammeSerializer, ProgrammeDetailSerializer
from billing.api.programmes import KEY, detail_of, programme_in, regions_named, terms_in
from billing.api.voucher_shapes import AllotmentSerializer, ProgrammeSerializer
from billing.models import Allotment, Programme
from bookings.api.serializers import ReasonSerializer
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.api.lookups import institution_named
from kernel import clock


class ProgrammeList(generics.ListCreateAPIView[Programme]):
    """Voucher programmes and their rules, which are public; what is in the pools is for the
    offices concerned. A programme officer sees what his office leads or funds, and what his
    institutions hold. The office of a region founds the programmes that it leads."""

    serializer_class = ProgrammeSerializer
    queryset = Programme.objects.none()

    def get_queryset(self) -> QuerySet[Programme]:
        return queries.programmes(caller(self.request))

    def paginate_queryset(self, queryset: Any) -> Any:
        return _with_today(super().paginate_queryset(queryset) or [])

    @extend_schema(responses={200: ProgrammeSerializer(many=True), **problems(401, 404)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewProgrammeSerializer,
        parameters=[KEY],
        responses={201: ProgrammeDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = NewProgrammeSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        [lead] = regions_named([data["lead_region"]], field="lead_region")
        terms = terms_in(data)

        def effect() -> dict[str, Any]:
            programme = found_programme(
                by=user,
                code=data["code"],
                name_zh=data["name_zh"],
                name_en=data["name_en"],
                lead_region=lead,
                at=clock.now(),
                **terms,
            )
            return detail_of(programme.code, user)

        return once(request, effect)


def _with_today(programmes: Iterable[Any]) -> list[Any]:
    today = clock.today(settings.TIME_ZONE)
    found = list(programmes)
    for programme in found:
        programme.current_terms = queries.terms_on(programme, today)
        codes = {pool.funding_region.code for pool in programme.pools.all()}
        programme.funding_regions = sorted(codes)
    return found


class AllotmentFilterSerializer(serializers.Serializer[Any]):
    """`programme` and `holder` are codes."""

    programme = serializers.CharField(max_length=20, required=False)
    holder = serializers.CharField(max_length=20, required=False)
    year = serializers.IntegerField(min_value=2000, max_value=2100, required=False)


class AllotmentList(generics.ListCreateAPIView[Allotment]):
    """Of the caller's institutions, and of the programmes that his office leads or funds.

    Without `year` those of this year and later.
    """

    serializer_class = AllotmentSerializer
    queryset = Allotment.objects.none()

    def get_queryset(self) -> QuerySet[Allotment]:
        shape = AllotmentFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = dict(shape.validated_data)
        year = wanted.pop("year", None)
        codes = {f"{name}__code": code for name, code in wanted.items()}
        found = queries.allotments(caller(self.request)).filter(**codes)
        if year is None:
            return found.filter(year__gte=clock.today(settings.TIME_ZONE).year)
        return found.filter(year=year)

    @extend_schema(
        parameters=[AllotmentFilterSerializer],
        responses={200: AllotmentSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewAllotmentSerializer,
        parameters=[KEY],
        responses={201: AllotmentSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = NewAllotmentSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        programme = programme_in(data, user)
        holder = institution_named(data["holder"], field="holder")

        def effect() -> dict[str, Any]:
            allotment = grant_allotment(
                by=user,
                programme=programme,
                holder=holder,
                year=data["year"],
                cap=data["cap"],
                reason=data["reason"],
                at=clock.now(),
            )
            return dict(AllotmentSerializer(allotment).data)

        return once(request, effect)


def allotment_named(pk: int, user: User) -> Allotment:
    """An allotment that the caller may see; 404 otherwise."""
    found = queries.allotments(user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


class SuspendAllotment(APIView):
    """Nothing new is held on it; what was promised stays. For the offices that may grant it."""

    turn = staticmethod(suspend_allotment)

    @extend_schema(
        request=ReasonSerializer, responses={200: AllotmentSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        self.turn(
            by=user,
            allotment=allotment_named(pk, user),
            reason=shape.validated_data["reason"],
            at=clock.now(),
        )
        return Response(AllotmentSerializer(allotment_named(pk, user)).data)


class ResumeAllotment(SuspendAllotment):
    """What is left of it can be held again."""

    turn = staticmethod(resume_allotment)
