"""The safety officer's word: what waits for it, and giving or refusing it."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.actions.sign_off import give_sign_off, refuse_sign_off
from bookings.api.serializers import AnswerSerializer
from bookings.api.verbs import VerbView, described
from bookings.models import Booking, SignOff, SignOffState
from bookings.states import WAITING
from institutions.api.caller import caller
from institutions.api.schema import READING, problems
from institutions.models import User
from kernel import clock

GIVE, REFUSE = "give", "refuse"


class SignOffFilterSerializer(serializers.Serializer[Any]):
    """`open=true` narrows to those that can still be answered."""

    state = serializers.ChoiceField(choices=SignOffState.choices, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    open = serializers.BooleanField(required=False)


class SignOffSerializer(serializers.ModelSerializer[SignOff]):
    booking = serializers.CharField(source="booking.reference")
    booking_state = serializers.CharField(source="booking.state")
    instrument = serializers.CharField(source="booking.instrument.code")
    institution = serializers.CharField(source="booking.instrument.institution.code")
    requester = serializers.CharField(source="booking.requester.email")
    start = serializers.DateTimeField(source="booking.during.lower")
    end = serializers.DateTimeField(source="booking.during.upper")
    codes = serializers.ListField(child=serializers.CharField())
    answers = AnswerSerializer(source="booking.answers", many=True)
    decided_by = serializers.CharField(source="decided_by.email", default=None, allow_null=True)

    class Meta:
        model = SignOff
        fields = [
            "booking",
            "booking_state",
            "instrument",
            "institution",
            "requester",
            "start",
            "end",
            "codes",
            "answers",
            "state",
            "decided_by",
            "decided_at",
            "reason",
        ]


class SignOffList(generics.ListAPIView[SignOff]):
    """Those of bookings that the caller may read whole, the soonest first."""

    serializer_class = SignOffSerializer
    queryset = SignOff.objects.none()

    def get_queryset(self) -> QuerySet[SignOff]:
        user = caller(self.request)
        shape = SignOffFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        found = SignOff.objects.visible_to(user).select_related(
            "booking__instrument__institution", "booking__requester", "decided_by"
        )
        if "state" in wanted:
            found = found.filter(state=wanted["state"])
        if "institution" in wanted:
            found = found.filter(booking__instrument__institution__code=wanted["institution"])
        if wanted.get("open"):
            found = found.filter(state=SignOffState.WAITING, booking__state__in=WAITING)
        return found.order_by("booking__during__startswith", "pk")

    @extend_schema(
        parameters=[SignOffFilterSerializer],
        responses={200: SignOffSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class SignOffDecisionSerializer(serializers.Serializer[Any]):
    """A refusal says why."""

    decision = serializers.ChoiceField(choices=[(GIVE, GIVE), (REFUSE, REFUSE)])
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["decision"] == REFUSE and not attrs["reason"]:
            raise serializers.ValidationError({"reason": _("Say why: the requester reads it.")})
        return attrs


@described(SignOffDecisionSerializer, "Sign off the answers, or refuse to, as safety officer")
class DecideSignOff(VerbView):
    shape = SignOffDecisionSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        if data["decision"] == GIVE:
            give_sign_off(by=by, booking=booking, at=clock.now())
        else:
            refuse_sign_off(by=by, booking=booking, reason=data["reason"], at=clock.now())
