"""Who calls."""

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from institutions.models import User


def caller(request: Request) -> User:
    """The person who calls; 401 for nobody."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
