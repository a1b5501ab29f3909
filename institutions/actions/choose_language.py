"""Keep the language that a person reads in."""

from institutions.models import User


def choose_language(*, by: User, language: str) -> None:
    """`language` (a code of `settings.LANGUAGES`) is used wherever `by` signs in next."""
    if by.language != language:
        by.language = language
        by.save(update_fields=["language"])
