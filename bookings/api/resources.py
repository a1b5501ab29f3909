"""What a facility books out besides its instruments: accessories and operators."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.actions.save_accessory import save_accessory
from bookings.actions.save_operator import save_operator
from bookings.models import Resource, ResourceKind
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import Institution, Membership, User
from instruments.api.serializers import NAMES
from instruments.models import Instrument, OpeningCalendar
from kernel.refusals import Malformed

IDEMPOTENT = [OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)]


class ResourceFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)
    instrument = serializers.CharField(max_length=40, required=False)
    # A query is read like a form, in which a box that is not there would be one without a tick.
    active = serializers.BooleanField(required=False, allow_null=True)


class AccessorySerializer(serializers.ModelSerializer[Resource]):
    name = serializers.CharField(read_only=True)
    institution = serializers.CharField(source="institution.code")
    instruments: Any = serializers.SlugRelatedField(
        "code", source="serves", many=True, read_only=True
    )
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Resource
        fields = [*NAMES, "institution", "instruments", "active"]


class OperatorRecordSerializer(serializers.ModelSerializer[Resource]):
    operator = serializers.EmailField(source="person.email")
    name = serializers.CharField(source="person.full_name")
    institution = serializers.CharField(source="institution.code")
    instruments: Any = serializers.SlugRelatedField(
        "code", source="serves", many=True, read_only=True
    )
    working_hours = serializers.CharField(source="working_hours.slug", allow_null=True)
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Resource
        fields = [
            "id",
            "operator",
            "name",
            "institution",
            "instruments",
            "working_hours",
            "active",
        ]


class _ServesSerializer(serializers.Serializer[Any]):
    instruments = serializers.ListField(child=serializers.CharField(max_length=40), max_length=200)
    active = serializers.BooleanField(default=True)


class AccessoryChangeSerializer(_ServesSerializer):
    """The whole record; the code may change."""

    code = serializers.CharField(max_length=40)
    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)


class NewAccessorySerializer(AccessoryChangeSerializer):
    institution = serializers.CharField(max_length=20)


class OperatorChangeSerializer(_ServesSerializer):
    """The whole record; `working_hours` names an opening calendar, null: whenever it is open."""

    working_hours = serializers.CharField(max_length=60, allow_null=True, default=None)


class NewOperatorSerializer(OperatorChangeSerializer):
    institution = serializers.CharField(max_length=20)
    operator = serializers.EmailField(max_length=254)


class ResourceList(generics.ListCreateAPIView[Resource]):
    """Resources of one kind that the caller may see."""

    kind: ResourceKind
    queryset = Resource.objects.none()

    def get_queryset(self) -> QuerySet[Resource]:
        asked = ResourceFilterSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        found = Resource.objects.visible_to(caller(self.request)).filter(kind=self.kind)
        wanted = asked.validated_data
        if "institution" in wanted:
            found = found.filter(institution__code=wanted["institution"])
        if "instrument" in wanted:
            found = found.filter(serves__code=wanted["instrument"])
        if wanted.get("active") is not None:
            found = found.filter(is_active=wanted["active"])
        return found.with_serves().order_by("institution__code", "code", "person__email", "pk")


class AccessoryList(ResourceList):
    """Accessories that can be booked along; retired ones for the facility's staff."""

    kind = ResourceKind.ACCESSORY
    serializer_class = AccessorySerializer

    @extend_schema(
        parameters=[ResourceFilterSerializer],
        responses={200: AccessorySerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewAccessorySerializer,
        parameters=IDEMPOTENT,
        responses={201: AccessorySerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = shaped(NewAccessorySerializer, request)
        institution = institution_named(data["institution"])

        def effect() -> dict[str, Any]:
            made = _save_accessory(caller(request), institution, data, None)
            return dict(AccessorySerializer(made).data)

        return once(request, effect)


class AccessoryDetail(generics.GenericAPIView[Resource]):
    """One accessory by its code, or by INSTITUTION:CODE where two facilities share one."""

    serializer_class = AccessorySerializer
    queryset = Resource.objects.none()

    @extend_schema(responses={200: AccessorySerializer, **problems(*READING)})
    def get(self, request: Request, code: str) -> Response:
        return Response(AccessorySerializer(accessory_named(code, caller(request))).data)

    @extend_schema(
        request=AccessoryChangeSerializer,
        responses={200: AccessorySerializer, **problems(*WRITING)},
    )
    def put(self, request: Request, code: str) -> Response:
        user, data = caller(request), shaped(AccessoryChangeSerializer, request)
        known = accessory_named(code, user)
        saved = _save_accessory(user, known.institution, data, known)
        return Response(AccessorySerializer(saved).data)


def accessory_named(code: str, user: User) -> Resource:
    """An accessory that the caller may see; 404 otherwise, and where a code is not enough."""
    institution, _colon, short = code.rpartition(":")
    found = Resource.objects.visible_to(user).filter(kind=ResourceKind.ACCESSORY, code=short)
    if institution:
        found = found.filter(institution__code=institution)
    accessories = list(found.with_serves()[:2])
    if len(accessories) != 1:
        raise Http404
    return accessories[0]


def _save_accessory(
    by: User, institution: Institution, data: dict[str, Any], accessory: Resource | None
) -> Resource:
    return save_accessory(
        by=by,
        institution=institution,
        code=data["code"],
        name_zh=data["name_zh"],
        name_en=data["name_en"],
        serves=instruments_named(data["instruments"]),
        is_active=data["active"],
        accessory=accessory,
    )


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


def shaped(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The validated body; raises 400 `malformed`."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def institution_named(code: str) -> Institution:
    found = Institution.objects.filter(code=code).first()
    if found is None:
        raise Malformed({"institution": [_("No such institution.")]})
    return found


def instruments_named(codes: list[str]) -> list[Instrument]:
    """Raises `Malformed` where one of the codes names nothing."""
    found = list(Instrument.objects.filter(code__in=codes).defer("search"))
    if len(found) < len(set(codes)):
        raise Malformed({"instruments": [_("No such instrument.")]})
    return found


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
