"""Opening calendars: everybody who is signed in reads them, their facility's managers edit."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from institutions.api.caller import caller
from institutions.api.fields import WindowSerializer, period_of
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User
from instruments.actions.add_exception import add_exception
from instruments.actions.delete_calendar import delete_calendar
from instruments.actions.remove_exception import remove_exception
from instruments.actions.save_calendar import save_calendar
from instruments.api import calendar_shapes as shapes
from instruments.calendars import opening_periods
from instruments.models import OpeningCalendar, OpeningException
from kernel import clock
from kernel.refusals import Malformed

KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


def _asked(shape: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Validated data. Raises ValidationError (400)."""
    filled = shape(data=data)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def _calendar(slug: str, user: User) -> OpeningCalendar:
    """A calendar that the caller may see; 404 otherwise."""
    found = OpeningCalendar.objects.visible_to(user).select_related("institution")
    calendar = found.filter(slug=slug).first()
    if calendar is None:
        raise Http404
    return calendar


class OpeningCalendarList(generics.ListCreateAPIView[OpeningCalendar]):
    """Opening calendars, those of institutions and the standard ones."""

    serializer_class = shapes.CalendarRowSerializer
    queryset = OpeningCalendar.objects.none()

    def get_queryset(self) -> QuerySet[OpeningCalendar]:
        asked = _asked(shapes.CalendarFilterSerializer, self.request.query_params)
        found = OpeningCalendar.objects.visible_to(caller(self.request))
        if "institution" in asked:
            found = found.filter(institution__code=asked["institution"])
        return found.select_related("institution")

    @extend_schema(
        parameters=[shapes.CalendarFilterSerializer],
        responses={200: shapes.CalendarRowSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=shapes.NewCalendarBodySerializer,
        parameters=[KEY],
        responses={201: shapes.CalendarRecordSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        data = _asked(shapes.NewCalendarBodySerializer, request.data)
        institution = Institution.objects.filter(code=data["institution"]).first()
        if institution is None:
            raise Malformed({"institution": [_("Unknown code.")]})

        def effect() -> dict[str, Any]:
            values = shapes.calendar_values(data)
            made = save_calendar(by=user, institution=institution, **values)
            return dict(shapes.CalendarRecordSerializer(made).data)

        return once(request, effect)


class OpeningCalendarDetail(APIView):
    """One calendar with its hours; `PUT` replaces the whole of it."""

    @extend_schema(responses={200: shapes.CalendarRecordSerializer, **problems(*READING)})
    def get(self, request: Request, slug: str) -> Response:
        calendar = _calendar(slug, caller(request))
        return Response(shapes.CalendarRecordSerializer(calendar).data)

    @extend_schema(
        request=shapes.CalendarBodySerializer,
        responses={200: shapes.CalendarRecordSerializer, **problems(*WRITING)},
    )
    def put(self, request: Request, slug: str) -> Response:
        user = caller(request)
        data = _asked(shapes.CalendarBodySerializer, request.data)
        calendar = _calendar(slug, user)
        saved = save_calendar(
            by=user,
            institution=calendar.institution,
            calendar=calendar,
            **shapes.calendar_values(data),
        )
        return Response(shapes.CalendarRecordSerializer(saved).data)

    @extend_schema(
        summary="Take away a calendar that nothing follows",
        responses={204: None, **problems(401, 403, 404, 422, 503)},
    )
    def delete(self, request: Request, slug: str) -> Response:
        user = caller(request)
        delete_calendar(by=user, calendar=_calendar(slug, user))
        return Response(status=status.HTTP_204_NO_CONTENT)


class OpeningCalendarHours(APIView):
    """When the calendar is open in a window: hours, holidays and exceptions considered."""

    @extend_schema(
        parameters=[WindowSerializer],
        responses={200: shapes.OpenHoursSerializer, **problems(*READING)},
    )
    def get(self, request: Request, slug: str) -> Response:
        window = period_of(_asked(WindowSerializer, request.query_params))
        calendar = _calendar(slug, caller(request))
        body = {
            "timezone": calendar.timezone,
            "open": opening_periods([calendar], window)[calendar.pk],
        }
        return Response(shapes.OpenHoursSerializer(body).data)


class ExceptionList(generics.ListCreateAPIView[OpeningException]):
    """Days on which a calendar is closed or has other hours."""

    serializer_class = shapes.ExceptionSerializer
    queryset = OpeningException.objects.none()

    def get_queryset(self) -> QuerySet[OpeningException]:
        asked = _asked(shapes.ExceptionFilterSerializer, self.request.query_params)
        found = _calendar(self.kwargs["slug"], caller(self.request)).exceptions.all()
        return found.filter(last_on__gte=asked["since"]) if "since" in asked else found

    @extend_schema(
        parameters=[shapes.ExceptionFilterSerializer],
        responses={200: shapes.ExceptionSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=shapes.ExceptionSerializer,
        parameters=[KEY],
        responses={201: shapes.ExceptionSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        data = _asked(shapes.ExceptionSerializer, request.data)
        calendar = _calendar(kwargs["slug"], user)
        data.setdefault("last_on", data["first_on"])

        def effect() -> dict[str, Any]:
            made = add_exception(by=user, calendar=calendar, at=at, **data)
            return dict(shapes.ExceptionSerializer(made).data)

        return once(request, effect)


class ExceptionDetail(APIView):
    """Give the days of an exception their usual hours again."""

    @extend_schema(responses={204: None, **problems(401, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        user = caller(request)
        found = _calendar(slug, user).exceptions.select_related("calendar__institution")
        exception = found.filter(pk=pk).first()
        if exception is None:
            raise Http404
        remove_exception(by=user, exception=exception)
        return Response(status=status.HTTP_204_NO_CONTENT)
