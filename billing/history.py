"""Who changed a row of which the history is kept."""

import pghistory
from pghistory.runtime import context

from institutions.models import User


def changed_by(user: User) -> context:
    """`with changed_by(user): …`: the history of every row that changes inside names `user`."""
    return pghistory.context(user=user.pk)
