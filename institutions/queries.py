"""Reads about people and institutions."""

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from institutions.models import ApiToken, Project


def token_digest(token: bytes) -> str:
    """SHA-256 in hex: tokens have 256 random bits, so no salt or stretching is needed."""
    return hashlib.sha256(token).hexdigest()


def token_of(token: bytes, *, at: datetime) -> ApiToken | None:
    """The valid token with this secret as of `at`, with its active user, in one query."""
    return (
        ApiToken.objects.select_related("user")
        .filter(
            digest=token_digest(token),
            revoked_at=None,
            expires_at__gt=at,
            user__is_active=True,
        )
        .first()
    )


def joinable_project(institution: str, code: str, *, at: datetime) -> Project | None:
    """The project with exactly these codes, as long as it is valid; nobody browses the others."""
    found = (
        Project.objects.select_related("institution")
        .filter(institution__code=institution, code=code)
        .first()
    )
    if found is None:
        return None
    today = at.astimezone(ZoneInfo(found.institution.timezone)).date()
    return found if found.valid_until is None or today <= found.valid_until else None
