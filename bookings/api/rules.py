"""Booking rules: the facility's staff read them, its managers add, end and replace them."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.actions.add_rule import add_rule
from bookings.actions.end_rule import end_rule
from bookings.actions.replace_rule import replace_rule
from bookings.api.lookups import instrument_named
from bookings.api.rule_shapes import (
    BookingRuleSerializer,
    NewRuleSerializer,
    RuleEndSerializer,
    RuleFilterSerializer,
    RuleReplacementSerializer,
)
from bookings.models import BookingRule, RuleKind
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, User
from instruments.models import OpeningCalendar
from kernel import clock
from kernel.refusals import Malformed

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)
_FILTERS = {
    "institution": "institution__code",
    "instrument": "instrument__code",
    "kind": "kind",
    "on": "valid__contains",
}


def with_names(rules: QuerySet[BookingRule]) -> QuerySet[BookingRule]:
    """What a list shows of a rule, in one query."""
    return rules.select_related("institution", "instrument", "hours")


def rule_named(pk: int, user: User) -> BookingRule:
    """A rule that the caller may see; 404 otherwise."""
    found = with_names(BookingRule.objects.visible_to(user)).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def values_of(data: dict[str, Any]) -> dict[str, Any]:
    """The values in validated data, `hours` as the calendar of that slug."""
    values = dict(data)
    if values.get("hours"):
        values["hours"] = OpeningCalendar.objects.filter(slug=values["hours"]).first()
        if values["hours"] is None:
            raise Malformed({"hours": [_("No such calendar.")]})
    return values


class BookingRuleList(generics.ListCreateAPIView[BookingRule]):
    """The rules of the caller's facilities, those that are over too; `on` a day only those in
    force then."""

    serializer_class = BookingRuleSerializer
    queryset = BookingRule.objects.none()

    def get_queryset(self) -> QuerySet[BookingRule]:
        shape = RuleFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        asked = {_FILTERS[name]: value for name, value in shape.validated_data.items()}
        found = BookingRule.objects.visible_to(caller(self.request)).filter(**asked)
        return with_names(found).order_by("-pk")

    @extend_schema(
        parameters=[RuleFilterSerializer],
        responses={200: BookingRuleSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewRuleSerializer,
        parameters=[_KEY],
        responses={201: BookingRuleSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = NewRuleSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        institution = Institution.objects.filter(code=data["institution"]).first()
        if institution is None:
            raise Malformed({"institution": [_("Unknown code.")]})
        instrument = instrument_named(data["instrument"]) if data.get("instrument") else None

        def effect() -> dict[str, Any]:
            rule = add_rule(
                by=user,
                institution=institution,
                instrument=instrument,
                kind=RuleKind(data["kind"]),
                values=values_of(data["values"]),
                valid_from=data["valid_from"],
                valid_until=data.get("valid_until"),
                at=clock.now(),
            )
            return dict(BookingRuleSerializer(rule).data)

        return once(request, effect)


class EndRule(APIView):
    """From `on` the rule no longer holds."""

    @extend_schema(
        request=RuleEndSerializer,
        responses={200: BookingRuleSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, id: int) -> Response:
        user = caller(request)
        shape = RuleEndSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        ended = end_rule(
            by=user, rule=rule_named(id, user), on=shape.validated_data["on"], at=clock.now()
        )
        return Response(BookingRuleSerializer(ended).data)


class ReplaceRule(APIView):
    """From `on` a rule of the same kind and place with other values holds; answers with it."""

    @extend_schema(
        request=RuleReplacementSerializer,
        parameters=[_KEY],
        responses={201: BookingRuleSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, id: int) -> Response:
        user = caller(request)
        shape = RuleReplacementSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        rule = rule_named(id, user)

        def effect() -> dict[str, Any]:
            new = replace_rule(
                by=user,
                rule=rule,
                on=data["on"],
                values=values_of(data["values"]),
                at=clock.now(),
            )
            return dict(BookingRuleSerializer(new).data)

        return once(request, effect)
