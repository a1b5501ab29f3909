"""Give a person a bearer token."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings

from institutions.models import ApiToken, User
from institutions.queries import token_digest


def issue_token(*, user: User, at: datetime) -> tuple[ApiToken, str]:
    """A new token for `user` and its secret, which is shown this once and never stored."""
    secret = secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        digest=token_digest(secret.encode()),
        created_at=at,
        expires_at=at + timedelta(days=settings.API_TOKEN_DAYS),
    )
    return token, secret
