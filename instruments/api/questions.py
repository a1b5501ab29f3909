"""What instruments ask: public by day, and the sets as their facility edits them."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User
from instruments import questions
from instruments.actions.end_questions import end_questions
from instruments.actions.publish_questions import publish_questions
from instruments.api.question_shapes import (
    AskedSerializer,
    DayQuerySerializer,
    EndRequestSerializer,
    QuestionSetRequestSerializer,
    QuestionSetSerializer,
    SetFilterSerializer,
    VersionRequestSerializer,
    ask_of,
)
from instruments.models import (
    Instrument,
    QuestionSet,
    QuestionSetUse,
)
from kernel import clock
from kernel.refusals import Malformed


class InstrumentQuestions(APIView):
    """What the instrument asks of bookings that start on a day, today without one."""

    permission_classes = [AllowAny]

    @extend_schema(
        parameters=[DayQuerySerializer],
        responses={200: AskedSerializer, **problems(400, 404)},
        auth=[],
    )
    def get(self, request: Request, code: str) -> Response:
        shape = DayQuerySerializer(data=request.query_params)
        shape.is_valid(raise_exception=True)
        instrument = Instrument.objects.select_related("institution").filter(code=code).first()
        if instrument is None:
            raise Http404
        on = shape.validated_data.get("on") or clock.today(instrument.institution.timezone)
        found = list(questions.asked_on(instrument, on))
        body = {
            "on": on,
            "question_set": found[0].question_set_id if found else None,
            "questions": found,
        }
        return Response(AskedSerializer(body).data)


def sets_of(user: User) -> QuerySet[QuestionSet]:
    """Those that the caller may see, with all that is shown of them."""
    uses = QuestionSetUse.objects.select_related("instrument")
    return (
        QuestionSet.objects.visible_to(user)
        .select_related("institution")
        .prefetch_related("questions", Prefetch("uses", uses))
    )


def set_or_404(user: User, pk: int) -> QuestionSet:
    found = sets_of(user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def published(
    user: User, institution: Institution, data: dict[str, Any], previous: QuestionSet | None = None
) -> dict[str, Any]:
    """Publishes validated `data`; the set as the API shows it."""
    named = set(data["instruments"])
    found = list(Instrument.objects.filter(institution=institution, code__in=named))
    if len(found) < len(named):
        raise Malformed({"instruments": [_("No such instrument at this facility.")]})
    made = publish_questions(
        by=user,
        institution=institution,
        name_zh=data["name_zh"],
        name_en=data["name_en"],
        questions=[ask_of(row) for row in data["questions"]],
        instruments=found,
        valid_from=data["valid_from"],
        previous=previous,
        at=clock.now(),
    )
    return dict(QuestionSetSerializer(set_or_404(user, made.pk)).data)


class QuestionSetList(generics.ListCreateAPIView[QuestionSet]):
    """Every version of the sets of facilities where the caller works, the latest first."""

    serializer_class = QuestionSetSerializer
    queryset = QuestionSet.objects.none()

    def get_queryset(self) -> QuerySet[QuestionSet]:
        shape = SetFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        found = sets_of(caller(self.request))
        if "institution" in shape.validated_data:
            found = found.filter(institution__code=shape.validated_data["institution"])
        return found

    @extend_schema(
        parameters=[SetFilterSerializer],
        responses={200: QuestionSetSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=QuestionSetRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: QuestionSetSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = QuestionSetRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        institution = Institution.objects.filter(code=data["institution"]).first()
        if institution is None:
            raise Malformed({"institution": [_("No such institution.")]})
        return once(request, lambda: published(user, institution, data))


class QuestionSetDetail(generics.RetrieveAPIView[QuestionSet]):
    """One version of a set."""

    serializer_class = QuestionSetSerializer
    queryset = QuestionSet.objects.none()

    @extend_schema(responses={200: QuestionSetSerializer, **problems(*READING)})
    def get(self, request: Request, pk: int) -> Response:
        return Response(QuestionSetSerializer(set_or_404(caller(request), pk)).data)


class QuestionSetVersions(APIView):
    """The next version of a set, asked from a day on instead of this one."""

    @extend_schema(
        request=VersionRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: QuestionSetSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        shape = VersionRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        previous = set_or_404(user, pk)
        return once(
            request,
            lambda: published(user, previous.institution, shape.validated_data, previous),
        )


class QuestionSetEnd(APIView):
    """The set is no longer asked from a day on."""

    @extend_schema(
        request=EndRequestSerializer,
        responses={200: QuestionSetSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        shape = EndRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        found = set_or_404(user, pk)
        end_questions(by=user, question_set=found, on=shape.validated_data["on"], at=clock.now())
        return Response(QuestionSetSerializer(set_or_404(user, pk)).data)
