"""What a person chooses for himself."""

from institutions.models import User


def choose_settings(*, by: User, allows_moves: bool, language: str) -> User:
    """`allows_moves`: a facility that closes an instrument may move `by`'s bookings there to a near
    equal time. `language` is a code of `settings.LANGUAGES`, or empty for the browser's."""
    by.allows_moves, by.language = allows_moves, language
    by.save(update_fields=["allows_moves", "language"])
    return by
