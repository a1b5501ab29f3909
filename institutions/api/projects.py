"""Leading a project: its people, and what they spend alone."""

from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from institutions.actions.add_member import add_member
from institutions.actions.edit_project import edit_project
from institutions.actions.name_deputy import name_deputy
from institutions.actions.remove_member import remove_member
from institutions.actions.set_consent_threshold import set_consent_threshold
from institutions.api.caller import caller
from institutions.api.fields import ExactSerializer
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.api.serializers import ProjectSerializer
from institutions.models import Project, ProjectMember, User
from kernel import clock
from kernel.refusals import Malformed


class MemberSerializer(serializers.ModelSerializer[ProjectMember]):
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.full_name")

    class Meta:
        model = ProjectMember
        fields = ["email", "name", "is_deputy"]


class ProjectDetailSerializer(ProjectSerializer):
    members = MemberSerializer(many=True)

    class Meta(ProjectSerializer.Meta):
        fields = [*ProjectSerializer.Meta.fields, "funding_source", "fund_number", "members"]


class ProjectBodySerializer(ExactSerializer):
    """What is left out stays as it is; `budget` in CNY, null for no limit."""

    name = serializers.CharField(max_length=200, required=False)
    fund_number = serializers.CharField(max_length=60, allow_blank=True, required=False)
    funding_source = serializers.CharField(max_length=100, allow_blank=True, required=False)
    budget = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=Decimal(0), allow_null=True, required=False
    )
    valid_from = serializers.DateField(required=False)
    valid_until = serializers.DateField(allow_null=True, required=False)


class ThresholdSerializer(serializers.Serializer[Any]):
    """CNY; null where members never ask."""

    amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)


class PersonSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


class DeputySerializer(PersonSerializer):
    is_deputy = serializers.BooleanField()


def project_or_404(user: User, institution: str, code: str) -> Project:
    """A project on which the caller is, whatever he may do there; 404 otherwise."""
    found = (
        Project.objects.bookable_by(user)
        .select_related("institution", "principal")
        .prefetch_related("members__user")
    )
    return get_object_or_404(found, institution__code=institution, code=code)


def seen_or_404(user: User, institution: str, code: str) -> Project:
    """A project on which the caller is, or whose books he keeps; 404 otherwise."""
    seen = Project.objects.filter(pk__in=Project.objects.visible_to(user).values("pk"))
    found = seen.select_related("institution", "principal").prefetch_related("members__user")
    return get_object_or_404(found, institution__code=institution, code=code)


def shown(user: User, institution: str, code: str, status: int = 200) -> Response:
    """The project read anew, as far as it is still the caller's."""
    found = project_or_404(user, institution, code)
    return Response(ProjectDetailSerializer(found).data, status=status)


def person_named(project: Project, email: str) -> User:
    """A member by his address; a stranger's is as unknown as none at all."""
    found = User.objects.filter(project_places__project=project, email=email.lower()).first()
    if found is None:
        raise Malformed({"email": [_("This person is not on the project.")]})
    return found


class ProjectDetail(APIView):
    """A project with its people, for them and for the institution's billing office."""

    @extend_schema(responses={200: ProjectDetailSerializer, **problems(*READING)})
    def get(self, request: Request, institution: str, code: str) -> Response:
        found = seen_or_404(caller(request), institution, code)
        return Response(ProjectDetailSerializer(found).data)

    @extend_schema(
        summary="The billing office changes what its books say of the project",
        request=ProjectBodySerializer,
        responses={200: ProjectDetailSerializer, **problems(*WRITING)},
    )
    def patch(self, request: Request, institution: str, code: str) -> Response:
        user = caller(request)
        shape = ProjectBodySerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        project = seen_or_404(user, institution, code)
        edit_project(by=user, project=project, values=shape.validated_data, at=clock.now())
        found = seen_or_404(user, institution, code)
        return Response(ProjectDetailSerializer(found).data)


class ConsentThreshold(APIView):
    """Above which price members' bookings wait for consent."""

    @extend_schema(
        request=ThresholdSerializer,
        responses={200: ProjectDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, institution: str, code: str) -> Response:
        user = caller(request)
        shape = ThresholdSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        project = project_or_404(user, institution, code)
        amount = shape.validated_data["amount"]
        set_consent_threshold(by=user, project=project, amount=amount, at=clock.now())
        return shown(user, institution, code)


class Members(APIView):
    """Let somebody book on the project, by the address of his account."""

    @extend_schema(
        request=PersonSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: MemberSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, institution: str, code: str) -> Response:
        user = caller(request)
        shape = PersonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        project, email = project_or_404(user, institution, code), shape.validated_data["email"]

        def effect() -> dict[str, Any]:
            member = add_member(by=user, project=project, email=email, at=clock.now())
            return dict(MemberSerializer(member).data)

        return once(request, effect)


class RemoveMember(APIView):
    """Somebody, or oneself, may no longer book on the project. Answers with who was removed."""

    @extend_schema(
        request=PersonSerializer, responses={200: PersonSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, institution: str, code: str) -> Response:
        user = caller(request)
        shape = PersonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        project = project_or_404(user, institution, code)
        person = person_named(project, shape.validated_data["email"])
        remove_member(by=user, project=project, person=person, at=clock.now())
        return Response({"email": person.email})


class Deputy(APIView):
    """A member stands in for the principal, or no longer does."""

    @extend_schema(
        request=DeputySerializer,
        responses={200: ProjectDetailSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, institution: str, code: str) -> Response:
        user = caller(request)
        shape = DeputySerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        project, data = project_or_404(user, institution, code), shape.validated_data
        name_deputy(
            by=user,
            project=project,
            person=person_named(project, data["email"]),
            is_deputy=data["is_deputy"],
            at=clock.now(),
        )
        return shown(user, institution, code)
