"""Take a token back."""

from datetime import datetime

from institutions.models import ApiToken


def revoke_token(*, token: ApiToken, at: datetime) -> None:
    """From `at` on the token signs nobody in. Revoking twice keeps the first instant."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at)
