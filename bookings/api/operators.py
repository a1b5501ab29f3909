"""Who operates which instruments, and when they work."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.actions.save_operator import save_operator
from bookings.api.resource_shapes import (
    NewOperatorSerializer,
    OperatorChangeSerializer,
    OperatorRecordSerializer,
    ResourceFilterSerializer,
)
from bookings.api.resources import (
    IDEMPOTENT,
    ResourceList,
    institution_named,
    instruments_named,
    shaped,
)
from bookings.models import Resource, ResourceKind
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, Membership, User
from instruments.models import OpeningCalendar
from kernel.refusals import Malformed


class OperatorList(ResourceList):
    """Who operates what, for the staff of the facility."""

    kind = ResourceKind.OPERATOR
    serializer_class = OperatorRecordSerializer

    @extend_schema(
        parameters=[ResourceFilterSerializer],
        responses={200: OperatorRecordSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewOperatorSerializer,
        parameters=IDEMPOTENT,
        responses={201: OperatorRecordSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data, user = shaped(NewOperatorSerializer, request), caller(request)
        institution = institution_named(data["institution"])

        def effect() -> dict[str, Any]:
            made = save_operator(
                by=user,
                institution=institution,
                person=_person_named(data["operator"], institution),
                serves=instruments_named(data["instruments"]),
                working_hours=_calendar_named(data["working_hours"]),
                is_active=data["active"],
            )
            return dict(OperatorRecordSerializer(made).data)

        return once(request, effect)


class OperatorDetail(generics.GenericAPIView[Resource]):
    """One operator; he stays the same person."""

    serializer_class = OperatorRecordSerializer
    queryset = Resource.objects.none()

    @extend_schema(responses={200: OperatorRecordSerializer, **problems(*READING)})
    def get(self, request: Request, pk: int) -> Response:
        return Response(OperatorRecordSerializer(self._named(pk, caller(request))).data)

    @extend_schema(
        request=OperatorChangeSerializer,
        responses={200: OperatorRecordSerializer, **problems(*WRITING)},
    )
    def put(self, request: Request, pk: int) -> Response:
        user, data = caller(request), shaped(OperatorChangeSerializer, request)
        known = self._named(pk, user)
        assert known.person is not None
        saved = save_operator(
            by=user,
            institution=known.institution,
            person=known.person,
            serves=instruments_named(data["instruments"]),
            working_hours=_calendar_named(data["working_hours"]),
            is_active=data["active"],
            operator=known,
        )
        return Response(OperatorRecordSerializer(saved).data)

    def _named(self, pk: int, user: User) -> Resource:
        found = Resource.objects.visible_to(user).filter(kind=ResourceKind.OPERATOR, pk=pk)
        operator = found.with_serves().first()
        if operator is None:
            raise Http404
        return operator


def _person_named(email: str, institution: Institution) -> User:
    """Somebody who belongs to the institution: others' addresses are not told apart from none."""
    member = (
        Membership.objects.filter(institution=institution, user__email=email.strip().lower())
        .select_related("user")
        .first()
    )
    if member is None:
        raise Malformed({"operator": [_("The institution has no such person.")]})
    return member.user


def _calendar_named(slug: str | None) -> OpeningCalendar | None:
    if not slug:
        return None
    found = OpeningCalendar.objects.filter(slug=slug).first()
    if found is None:
        raise Malformed({"working_hours": [_("No such calendar.")]})
    return found
