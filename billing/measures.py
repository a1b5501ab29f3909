"""Quantities as people write them: a number that is the same in every language, and a word."""

from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import npgettext_lazy, pgettext_lazy

# Quantities are kept with four places: half of the last one, in minutes.
_LAST_PLACE = Decimal("0.003")

_WORDS: dict[str, str | Promise] = {
    "hour": npgettext_lazy("quantity", "hour", "hours"),
    "day": npgettext_lazy("quantity", "day", "days"),
    "sample": npgettext_lazy("quantity", "sample", "samples"),
    "core_hour": npgettext_lazy("quantity", "core-hour", "core-hours"),
    "gpu_card_hour": npgettext_lazy("quantity", "card-hour", "card-hours"),
    "share": pgettext_lazy("quantity", "of the price"),
}


def number_of(quantity: Decimal | str, unit: str) -> str:
    """`1:40` for an hour and forty minutes, `50 %` for half of a price, `2.5` for the rest."""
    amount = Decimal(quantity)
    if unit == "share":
        return f"{_plain(amount * 100)} %"
    minutes = amount * 60
    whole = minutes.to_integral_value()
    if unit != "hour" or whole % 60 == 0 or abs(minutes - whole) > _LAST_PLACE:
        return _plain(amount)
    return f"{int(whole) // 60}:{int(whole) % 60:02}"


def word_of(quantity: Decimal | str, unit: str) -> str:
    """What is counted, in the active language; nothing for what is there by the piece."""
    word = _WORDS.get(unit, "")
    if unit == "share" or isinstance(word, str):
        return str(word)
    return str(word % (1 if Decimal(quantity) == 1 else 2))


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
