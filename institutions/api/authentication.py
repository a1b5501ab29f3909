"""`Authorization: Bearer TOKEN`."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from institutions.models import ApiToken, User
from institutions.queries import token_of
from kernel import clock


class TokenAuthentication(BaseAuthentication):
    """Finds the person behind a token that is neither revoked nor run out."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword:
            return None
        token = token_of(parts[1], at=clock.now()) if len(parts) == 2 else None
        if token is None:
            raise AuthenticationFailed(_("The token is unknown, revoked or has run out."))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes it."""

    target_class = TokenAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
