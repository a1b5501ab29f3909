"""Finishing, giving time back, more time; what was used; and logs of instruments."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import permissions
from bookings.actions.complete import finish_booking
from bookings.actions.extend import extend_booking
from bookings.actions.record_log import NotText, receive_log
from bookings.actions.release_early import release_early
from bookings.api.serializers import BookingOutcomeSerializer
from bookings.api.use_shapes import LogOutcomeSerializer, LogUploadSerializer, UsageSerializer
from bookings.api.verbs import VerbView, described
from bookings.models import Booking, Usage, UsageSource
from bookings.overrun import notices_after_use
from institutions.api.caller import caller
from institutions.api.fields import InstantField
from institutions.api.schema import READING, problems
from institutions.api.uploads import LARGEST_UPLOAD, UploadParser
from institutions.models import User
from kernel import clock
from kernel.refusals import NotAllowed


class UntilSerializer(serializers.Serializer[Any]):
    until = InstantField()


class EndSerializer(serializers.Serializer[Any]):
    end = InstantField()


@described(None, "End the use now: it went from the check-in until now", BookingOutcomeSerializer)
class Finish(VerbView):
    notices = staticmethod(notices_after_use)

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        finish_booking(by=by, booking=booking, at=clock.now())


@described(UntilSerializer, "Give back the time after `until`; the price stays until it is used")
class Release(VerbView):
    shape = UntilSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        release_early(by=by, booking=booking, until=data["until"], at=clock.now())


@described(EndSerializer, "Claim more time while in use")
class Extend(VerbView):
    shape = EndSerializer

    def act(self, booking: Booking, by: User, data: dict[str, Any]) -> None:
        extend_booking(by=by, booking=booking, end=data["end"], at=clock.now())


class UsageFilterSerializer(serializers.Serializer[Any]):
    """The list's filters. `from` and `until` bound the time of the use."""

    instrument = serializers.CharField(max_length=40, required=False)
    institution = serializers.CharField(max_length=20, required=False)
    project = serializers.CharField(max_length=40, required=False)
    booking = serializers.CharField(max_length=16, required=False)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=UsageSource.choices, required=False
    )
    until = InstantField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's, so the field is added by name.
        return {**super().get_fields(), "from": InstantField(required=False)}


_LOOKUPS = {
    "instrument": "booking__instrument__code",
    "institution": "booking__instrument__institution__code",
    "project": "booking__project__code",
    "booking": "booking__reference",
    "source": "source",
    "from": "during__endswith__gt",
    "until": "during__startswith__lt",
}


class UsageList(generics.ListAPIView[Usage]):
    """Uses of bookings that the caller may see: booked beside actual, with their parts."""

    serializer_class = UsageSerializer
    queryset = Usage.objects.none()

    def get_queryset(self) -> QuerySet[Usage]:
        shape = UsageFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_LOOKUPS[name]: value for name, value in shape.validated_data.items()}
        found = Usage.objects.visible_to(caller(self.request)).filter(**wanted)
        named = found.with_names().prefetch_related("consumables__consumable")
        return named.order_by("-during", "-pk")

    @extend_schema(
        parameters=[
            UsageFilterSerializer,
            OpenApiParameter("from", str, description="ISO 8601 with offset"),
        ],
        responses={200: UsageSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class UsageLogs(APIView):
    """Logs of instruments as CSV: `instrument,started_at,ended_at,operator?`."""

    parser_classes = [UploadParser]

    @extend_schema(
        summary="Send an instrument log: the same line is taken once, however often it comes",
        request={"multipart/form-data": LogUploadSerializer},
        responses={201: LogOutcomeSerializer, **problems(400, 401, 403, 404, 413, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        user = caller(request)
        if not permissions.may_send_logs(user):
            raise NotAllowed
        shape = LogUploadSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        file = shape.validated_data["file"]
        if file.size > LARGEST_UPLOAD:
            raise RequestDataTooBig
        try:
            outcome = receive_log(by=user, file=file, at=clock.now())
        except NotText:
            raise UnsupportedMediaType(file.content_type or "") from None
        return Response(LogOutcomeSerializer(outcome).data, status=201)
