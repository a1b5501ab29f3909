"""Who is related to whom, and who stands under one hand: kept by programme offices."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from institutions.actions.relate_parties import (
    form_group,
    join_group,
    leave_group,
    relate_parties,
    unrelate_parties,
)
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import (
    ControllingGroup,
    GroupMember,
    Institution,
    RelatedParty,
    User,
)
from institutions.permissions import is_programme_officer
from kernel import clock
from kernel.refusals import Malformed, NotAllowed

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


class RelatedPartySerializer(serializers.ModelSerializer[RelatedParty]):
    one = serializers.CharField(source="a.code")
    other = serializers.CharField(source="b.code")

    class Meta:
        model = RelatedParty
        fields = ["id", "one", "other", "kind"]


class NewRelatedPartySerializer(serializers.Serializer[Any]):
    one = serializers.CharField(max_length=20)
    other = serializers.CharField(max_length=20)
    kind = serializers.CharField(max_length=100)


class GroupSerializer(serializers.ModelSerializer[ControllingGroup]):
    institutions = serializers.SerializerMethodField()

    class Meta:
        model = ControllingGroup
        fields = ["id", "name_zh", "name_en", "institutions"]

    def get_institutions(self, group: ControllingGroup) -> list[str]:
        """The codes of its members."""
        return [member.institution.code for member in group.members.all()]


class NewGroupSerializer(serializers.Serializer[Any]):
    name_zh = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)
    institutions = serializers.ListField(
        child=serializers.CharField(max_length=20), min_length=2, max_length=100
    )


class MemberSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20)


def _named(code: str, field: str) -> Institution:
    found = Institution.objects.select_related("region").filter(code=code).first()
    if found is None:
        raise Malformed({field: [_("No such institution.")]})
    return found


def _officer(request: Request) -> User:
    """The caller, who belongs to some programme office. Raises `NotAllowed`."""
    user = caller(request)
    if not is_programme_officer(user):
        raise NotAllowed
    return user


class RelatedPartyList(generics.ListCreateAPIView[RelatedParty]):
    """Between them no voucher pays that excludes related parties. A programme office sees those
    of which one is registered in its region."""

    serializer_class = RelatedPartySerializer
    queryset = RelatedParty.objects.none()

    def get_queryset(self) -> QuerySet[RelatedParty]:
        found = RelatedParty.objects.visible_to(caller(self.request))
        return found.select_related("a", "b").order_by("pk")

    @extend_schema(responses={200: RelatedPartySerializer(many=True), **problems(*READING)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewRelatedPartySerializer,
        parameters=[_KEY],
        responses={201: RelatedPartySerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = _officer(request)
        shape = NewRelatedPartySerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        one, other = _named(data["one"], "one"), _named(data["other"], "other")

        def effect() -> dict[str, Any]:
            related = relate_parties(
                by=user, one=one, other=other, kind=data["kind"], at=clock.now()
            )
            return dict(RelatedPartySerializer(related).data)

        return once(request, effect)


class RelatedPartyDetail(APIView):
    """A tie is undone; the history keeps it."""

    @extend_schema(responses={204: None, **problems(401, 403, 404, 503)})
    def delete(self, request: Request, pk: int) -> Response:
        user = caller(request)
        related = RelatedParty.objects.visible_to(user).select_related("a__region", "b__region")
        found = related.filter(pk=pk).first()
        if found is None:
            raise Http404
        unrelate_parties(by=user, related=found, at=clock.now())
        return Response(status=204)


def _group(pk: int, user: User) -> ControllingGroup:
    visible = ControllingGroup.objects.visible_to(user).filter(pk=pk).values("pk")
    found = ControllingGroup.objects.prefetch_related("members__institution__region")
    group = found.filter(pk__in=visible).first()
    if group is None:
        raise Http404
    return group


class GroupList(generics.ListCreateAPIView[ControllingGroup]):
    """A programme may count its yearly cap for all of a group. A programme office sees those with
    a member in its region."""

    serializer_class = GroupSerializer
    queryset = ControllingGroup.objects.none()

    def get_queryset(self) -> QuerySet[ControllingGroup]:
        visible = ControllingGroup.objects.visible_to(caller(self.request)).order_by("pk")
        return visible.prefetch_related("members__institution")

    @extend_schema(responses={200: GroupSerializer(many=True), **problems(*READING)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewGroupSerializer,
        parameters=[_KEY],
        responses={201: GroupSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = _officer(request)
        shape = NewGroupSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        data = shape.validated_data
        members = [_named(code, "institutions") for code in sorted(set(data["institutions"]))]

        def effect() -> dict[str, Any]:
            group = form_group(
                by=user,
                name_zh=data["name_zh"],
                name_en=data["name_en"],
                institutions=members,
                at=clock.now(),
            )
            return dict(GroupSerializer(group).data)

        return once(request, effect)


class GroupMembers(APIView):
    """One more institution under the same hand."""

    @extend_schema(request=MemberSerializer, responses={200: GroupSerializer, **problems(*WRITING)})
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        shape = MemberSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        group = _group(pk, user)
        institution = _named(shape.validated_data["institution"], "institution")
        join_group(by=user, group=group, institution=institution, at=clock.now())
        return Response(GroupSerializer(_group(pk, user)).data)


class GroupMemberDetail(APIView):
    """An institution leaves its group; a group without members is gone."""

    @extend_schema(responses={204: None, **problems(401, 403, 404, 503)})
    def delete(self, request: Request, pk: int, code: str) -> Response:
        user = caller(request)
        members = GroupMember.objects.select_related("group", "institution__region")
        member = members.filter(group=_group(pk, user), institution__code=code).first()
        if member is None:
            raise Http404
        leave_group(by=user, member=member, at=clock.now())
        return Response(status=204)
