"""Asking to join a project, and being answered."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from institutions.actions.answer_join_request import (
    accept_join_request,
    decline_join_request,
    withdraw_join_request,
)
from institutions.actions.request_to_join import request_to_join
from institutions.api.caller import caller
from institutions.api.idempotency import once
from institutions.api.schema import READING, WRITING, problems
from institutions.models import JoinRequest, JoinState, User
from institutions.queries import joinable_project
from kernel import clock
from kernel.refusals import Malformed


class JoinRequestSerializer(serializers.ModelSerializer[JoinRequest]):
    """Nothing of the project but its code: who asks is not on it yet."""

    project = serializers.CharField(source="project.code")
    institution = serializers.CharField(source="project.institution.code")
    person = serializers.CharField(source="user.email")
    decided_by = serializers.CharField(source="decided_by.email", default=None, allow_null=True)

    class Meta:
        model = JoinRequest
        fields = [
            "id",
            "project",
            "institution",
            "person",
            "message",
            "state",
            "created_at",
            "decided_by",
            "decided_at",
            "reason",
        ]


class NewJoinRequestSerializer(serializers.Serializer[Any]):
    """`project` is `INSTITUTION:CODE`, exactly."""

    project = serializers.CharField(max_length=61)
    message = serializers.CharField(max_length=500, allow_blank=True, default="")


class JoinFilterSerializer(serializers.Serializer[Any]):
    """`mine=true` leaves those to one's own projects out."""

    state = serializers.ChoiceField(choices=JoinState.choices, required=False)
    mine = serializers.BooleanField(required=False)


class JoinReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class JoinRequestList(generics.ListCreateAPIView[JoinRequest]):
    """One's own requests and those to projects for which one speaks, the latest first."""

    serializer_class = JoinRequestSerializer
    queryset = JoinRequest.objects.none()

    def get_queryset(self) -> QuerySet[JoinRequest]:
        user = caller(self.request)
        shape = JoinFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        found = JoinRequest.objects.visible_to(user).with_names()
        if "state" in shape.validated_data:
            found = found.filter(state=shape.validated_data["state"])
        return found.filter(user=user) if shape.validated_data.get("mine") else found

    @extend_schema(
        parameters=[JoinFilterSerializer],
        responses={200: JoinRequestSerializer(many=True), **problems(*READING)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        request=NewJoinRequestSerializer,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={201: JoinRequestSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        shape = NewJoinRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        institution, _colon, code = shape.validated_data["project"].partition(":")
        project = joinable_project(institution, code, at=at)
        if project is None:
            raise Malformed({"project": [_("No such project.")]})

        def effect() -> dict[str, Any]:
            message = shape.validated_data["message"]
            made = request_to_join(by=user, project=project, message=message, at=at)
            return dict(JoinRequestSerializer(made).data)

        return once(request, effect)


def join_request_or_404(user: User, pk: int) -> JoinRequest:
    found = JoinRequest.objects.visible_to(user).with_names().filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


class AcceptJoinRequest(APIView):
    """The person may book on the project."""

    @extend_schema(request=None, responses={200: JoinRequestSerializer, **problems(*WRITING)})
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        accept_join_request(by=user, request=join_request_or_404(user, pk), at=clock.now())
        return Response(JoinRequestSerializer(join_request_or_404(user, pk)).data)


class DeclineJoinRequest(APIView):
    """Not on this project."""

    @extend_schema(
        request=JoinReasonSerializer, responses={200: JoinRequestSerializer, **problems(*WRITING)}
    )
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        shape = JoinReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        reason = shape.validated_data["reason"]
        found = join_request_or_404(user, pk)
        decline_join_request(by=user, request=found, reason=reason, at=clock.now())
        return Response(JoinRequestSerializer(join_request_or_404(user, pk)).data)


class WithdrawJoinRequest(APIView):
    """Who asked no longer asks."""

    @extend_schema(request=None, responses={200: JoinRequestSerializer, **problems(*WRITING)})
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        withdraw_join_request(by=user, request=join_request_or_404(user, pk), at=clock.now())
        return Response(JoinRequestSerializer(join_request_or_404(user, pk)).data)
