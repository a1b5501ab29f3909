"""Applications for allotments: made, granted, declined, withdrawn."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import programme_queries
from billing.actions.apply_for_allotment import apply_for_allotment
from billing.actions.decide_application import (
    decline_application,
    grant_application,
    withdraw_application,
)
from billing.api.application_shapes import (
    AllotmentGrantSerializer,
    ApplicationFilterSerializer,
    ApplicationSerializer,
    NewApplicationSerializer,
)
from billing.api.programmes import KEY, programme_in
from billing.models import Application
from bookings.api.serializers import ReasonSerializer
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import User
from instruments.api.lookups import institution_named
from kernel import clock
from kernel.refusals import Malformed

_FILTERS = {
    "programme": "programme__code",
    "holder": "holder__code",
    "state": "state",
    "year": "year",
}


def application_named(reference: str, user: User) -> Application:
    """An application that the caller may see; 404 otherwise."""
    found = programme_queries.applications(user).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found


def _answer(reference: str, user: User) -> dict[str, Any]:
    return dict(ApplicationSerializer(application_named(reference, user)).data)


class ApplicationList(generics.ListCreateAPIView[Application]):
    """The holder's office sees its own, the programme offices those that they decide."""

    serializer_class = ApplicationSerializer
    queryset = Application.objects.none()

    def get_queryset(self) -> QuerySet[Application]:
        shape = ApplicationFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        wanted = {_FILTERS[name]: value for name, value in shape.validated_data.items()}
        return programme_queries.applications(caller(self.request)).filter(**wanted)

    @extend_schema(
        parameters=[ApplicationFilterSerializer],
        responses={200: ApplicationSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewApplicationSerializer,
        parameters=[KEY],
        responses={201: ApplicationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = caller(request)
        shape = NewApplicationSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        programme = programme_in(data, user)
        holder = institution_named(data["holder"], field="holder")
        wanted = set(data["certificates"])
        certificates = list(programme_queries.certificates(user).filter(reference__in=wanted))
        if len(certificates) < len(wanted):
            raise Malformed({"certificates": [_("No such certificate.")]})

        def effect() -> dict[str, Any]:
            application = apply_for_allotment(
                by=user,
                programme=programme,
                holder=holder,
                year=data["year"],
                amount=data["amount"],
                purpose=data["purpose"],
                certificates=certificates,
                at=clock.now(),
            )
            return _answer(application.reference, user)

        return once(request, effect)


class ApplicationDetail(APIView):
    """One application with its certificates."""

    @extend_schema(responses={200: ApplicationSerializer, **problems(*READING)})
    def get(self, request: Request, reference: str) -> Response:
        return Response(_answer(reference, caller(request)))


class GrantApplication(APIView):
    """The allotment gets the cap that was asked for, or `amount`. For the programme offices."""

    @extend_schema(
        request=AllotmentGrantSerializer,
        responses={200: ApplicationSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = AllotmentGrantSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        grant_application(
            by=user,
            application=application_named(reference, user),
            amount=shape.validated_data.get("amount"),
            reason=shape.validated_data["reason"],
            at=clock.now(),
        )
        return Response(_answer(reference, user))


class DeclineApplication(APIView):
    """No, with a reason. For the programme offices."""

    @extend_schema(
        request=ReasonSerializer, responses={200: ApplicationSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        application = application_named(reference, user)
        reason = shape.validated_data["reason"]
        decline_application(by=user, application=application, reason=reason, at=clock.now())
        return Response(_answer(reference, user))


class WithdrawApplication(APIView):
    """The holder takes it back."""

    @extend_schema(request=None, responses={200: ApplicationSerializer, **problems(*WRITING)})
    def post(self, request: Request, reference: str) -> Response:
        user = caller(request)
        application = application_named(reference, user)
        withdraw_application(by=user, application=application, at=clock.now())
        return Response(_answer(reference, user))
