"""Training sessions: list, plan, take part, attend, cancel."""

from abc import ABC, abstractmethod
from typing import Any

from django.db.models import F, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import permissions
from bookings.actions.plan_training import cancel_training, plan_training
from bookings.actions.take_part import record_attendance, sign_up, withdraw
from bookings.api.training_shapes import (
    AttendanceSerializer,
    NewTrainingSerializer,
    SignUpSerializer,
    TrainingDetailSerializer,
    TrainingFilterSerializer,
    TrainingSessionSerializer,
)
from bookings.models import PlaceState, SessionState, TrainingPlace, TrainingSession
from institutions.api.caller import caller
from institutions.api.fields import period_of
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.api.lookups import instrument_named, person_named
from kernel import clock
from kernel.refusals import NotAllowed

_FILTERS = {
    "state": "state",
    "instrument": "instrument__code",
    "institution": "instrument__institution__code",
    "from": "during__endswith__gt",
    "until": "during__startswith__lt",
}


class TrainingList(generics.ListCreateAPIView[TrainingSession]):
    """Sessions are for everybody who is signed in; who takes part is not."""

    serializer_class = TrainingSessionSerializer
    queryset = TrainingSession.objects.none()

    def get_queryset(self) -> QuerySet[TrainingSession]:
        user = caller(self.request)
        shape = TrainingFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        found = TrainingSession.objects.visible_to(user).with_names().with_own_place(user)
        if wanted.pop("open", False):
            found = found.filter(
                state=SessionState.PLANNED,
                during__startswith__gt=clock.now(),
                taken__lt=F("places"),
            )
        if wanted.pop("mine", False):
            places = TrainingPlace.objects.filter(user=user).exclude(state=PlaceState.WITHDRAWN)
            found = found.filter(pk__in=places.values("session"))
        return found.filter(
            **{_FILTERS[name]: value for name, value in wanted.items() if name in _FILTERS}
        )

    @extend_schema(
        parameters=[
            TrainingFilterSerializer,
            OpenApiParameter("from", str, description="ISO 8601 with offset"),
        ],
        responses={200: TrainingSessionSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Plan a session, as the facility's manager",
        request=NewTrainingSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: TrainingDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = NewTrainingSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        instrument = instrument_named(data["instrument"])
        # Who may not plan learns nothing about who has an account.
        if not permissions.may_plan_training(user, instrument):
            raise NotAllowed
        trainer = person_named(data["trainer"], field="trainer") if "trainer" in data else user

        def effect() -> dict[str, Any]:
            session = plan_training(
                by=user,
                instrument=instrument,
                period=period_of(data),
                places=data["places"],
                trainer=trainer,
                level=data["level"],
                valid_months=data["valid_months"],
                notes=data["notes"],
                at=at,
            )
            return detail_of(session.reference, user)

        return once(request, effect)


def session_named(reference: str, user: User) -> TrainingSession:
    """The session as the caller sees it; 404 where there is none."""
    found = TrainingSession.objects.visible_to(user).with_names().with_own_place(user)
    session = found.filter(reference=reference).first()
    if session is None:
        raise Http404
    return session


def detail_of(reference: str, user: User) -> dict[str, Any]:
    """The session as the API shows it, read anew."""
    session = session_named(reference, user)
    body = dict(TrainingSessionSerializer(session).data)
    participants = None
    if TrainingSession.objects.led_by(user).filter(pk=session.pk).exists():
        standing = session.participants.exclude(state=PlaceState.WITHDRAWN)
        shape = TrainingDetailSerializer().fields["participants"]
        participants = shape.to_representation(standing.select_related("user", "signed_up_by"))
    return {**body, "participants": participants}


class TrainingDetail(APIView):
    """One session; with its participants for those who lead it."""

    @extend_schema(responses={200: TrainingDetailSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(detail_of(reference, caller(request)))


class SessionVerb(ABC, APIView):
    """Finds the session, checks the shape, calls `act`, answers with the session read anew."""

    shape: type[serializers.Serializer[Any]] = serializers.Serializer

    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = self.shape(data=request.data)
        shape.is_valid(raise_exception=True)
        self.act(session_named(reference, user), user, shape.validated_data)
        return Response(detail_of(reference, user))

    @abstractmethod
    def act(self, session: TrainingSession, by: User, data: dict[str, Any]) -> None:
        """Calls the action."""


def _described(body: Any, summary: str) -> Any:
    return extend_schema_view(
        post=extend_schema(
            summary=summary,
            request=body,
            responses={200: TrainingDetailSerializer, **problems(*WRITING)},
        )
    )


@_described(SignUpSerializer, "Take a place, or as the facility's manager give one to somebody")
class SignUp(SessionVerb):
    shape = SignUpSerializer

    def act(self, session: TrainingSession, by: User, data: dict[str, Any]) -> None:
        person = by
        if data["user"]:
            # Who may not sign others up learns nothing about who has an account.
            if not permissions.may_plan_training(by, session.instrument):
                raise NotAllowed
            person = person_named(data["user"])
        sign_up(by=by, session=session, person=person, at=clock.now())


@_described(None, "Give one's place back")
class Withdraw(SessionVerb):
    def act(self, session: TrainingSession, by: User, data: dict[str, Any]) -> None:
        withdraw(by=by, session=session, at=clock.now())


@_described(AttendanceSerializer, "Record who attended, as the trainer or a manager")
class Attendance(SessionVerb):
    shape = AttendanceSerializer

    def act(self, session: TrainingSession, by: User, data: dict[str, Any]) -> None:
        attended = [email.lower() for email in data["attended"]]
        record_attendance(by=by, session=session, attended=attended, at=clock.now())


@_described(None, "Cancel a planned session, as the facility's manager")
class CancelTraining(SessionVerb):
    def act(self, session: TrainingSession, by: User, data: dict[str, Any]) -> None:
        cancel_training(by=by, session=session, at=clock.now())
