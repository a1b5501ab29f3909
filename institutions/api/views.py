"""Signing in with tokens, and the projects that the caller may book on."""

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.actions.issue_token import issue_token
from institutions.actions.revoke_token import revoke_token
from institutions.api.caller import caller
from institutions.api.schema import READING, problems
from institutions.api.serializers import (
    NewTokenSerializer,
    ProjectFilterSerializer,
    ProjectSerializer,
    SignInSerializer,
    TokenSerializer,
)
from institutions.models import ApiToken, Project, User
from kernel import clock


class TokenList(generics.ListCreateAPIView[ApiToken]):
    """Sign in for a bearer token; list one's own tokens."""

    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()
    throttle_scope = "sign_in"

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Whoever signs in may still send the token that has run out.
        request = getattr(self, "request", None)
        return [] if request and request.method == "POST" else super().get_authenticators()

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(
            user=caller(self.request), revoked_at=None, expires_at__gt=clock.now()
        )

    @extend_schema(
        request=SignInSerializer,
        responses={201: NewTokenSerializer, **problems(400, 401, 413, 415, 429)},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        shape = SignInSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        user = authenticate(
            request._request,
            username=shape.validated_data["email"],
            password=shape.validated_data["password"],
        )
        if getattr(request._request, "axes_locked_out", False):
            raise Throttled(detail=_("Too many wrong passwords. Try again in a while."))
        if not isinstance(user, User):
            raise AuthenticationFailed(_("The e-mail or the password is wrong."))
        token, secret = issue_token(user=user, at=clock.now())
        body = {"id": token.pk, "token": secret, "expires_at": token.expires_at}
        return Response(NewTokenSerializer(body).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: TokenSerializer(many=True), **problems(401, 404)})
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return self.list(request, *args, **kwargs)


class TokenDetail(generics.GenericAPIView[ApiToken]):
    """Revoke one of one's own tokens."""

    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(user=caller(self.request), revoked_at=None)

    @extend_schema(responses={204: None, **problems(401, 404)})
    def delete(self, request: Request, pk: int) -> Response:
        revoke_token(token=self.get_object(), at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(
    parameters=[ProjectFilterSerializer],
    responses={200: ProjectSerializer(many=True), **problems(*READING)},
)
class ProjectList(generics.ListAPIView[Project]):
    """The projects that the caller may book on. With `institution` those of it that he may book
    on, or all of them where he keeps its books."""

    serializer_class = ProjectSerializer
    queryset = Project.objects.none()

    def get_queryset(self) -> QuerySet[Project]:
        user = caller(self.request)
        shape = ProjectFilterSerializer(data=self.request.query_params)
        shape.is_valid(raise_exception=True)
        code = shape.validated_data.get("institution")
        if code:
            found = Project.objects.visible_to(user).filter(institution__code=code)
        else:
            found = Project.objects.bookable_by(user)
        return found.select_related("institution", "principal")
