"""Reads of the published price list: who pays which price, and what was valid on a day."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Protocol

from institutions.models import Institution, InstitutionKind
from instruments.models import Tariff
from instruments.models.tariff import UserClass

# Which price list a tariff is looked up in: (instrument id, user class, day in its own zone).
TariffKey = tuple[int, UserClass, date]

_CLASS_OF_KIND = {
    InstitutionKind.ENTERPRISE: UserClass.INDUSTRY,
    InstitutionKind.FOREIGN_RD_CENTRE: UserClass.FOREIGN,
}


def user_class(payer: Institution, provider: Institution) -> UserClass:
    """The price list for `payer` (the project's institution) on an instrument of `provider`.

    The same institution or the same tree is internal; the payer's kind decides otherwise.
    """
    if payer.pk == provider.pk or payer.is_same_tree_as(provider):
        return UserClass.INTERNAL
    return _CLASS_OF_KIND.get(InstitutionKind(payer.kind), UserClass.ACADEMIC)


def tariffs_on(keys: Iterable[TariffKey]) -> dict[TariffKey, Tariff]:
    """The valid tariff of every key that has one, in one query whatever the number of keys.

    Days are those of the instrument's institution's zone.
    """
    wanted = set(keys)
    if not wanted:
        return {}
    days = [day for _, _, day in wanted]
    candidates: dict[tuple[int, int], list[Tariff]] = {}
    for tariff in Tariff.objects.filter(
        instrument__in={instrument for instrument, _, _ in wanted},
        user_class__in={int(group) for _, group, _ in wanted},
        valid__overlap=(min(days), max(days) + timedelta(days=1)),
    ):
        candidates.setdefault((tariff.instrument_id, tariff.user_class), []).append(tariff)
    found = {}
    for key in wanted:
        instrument, group, day = key
        for tariff in candidates.get((instrument, int(group)), ()):
            if is_valid_on(tariff, day):
                found[key] = tariff
    return found


class Dated(Protocol):
    """Whatever is `valid` on days, half-open."""

    valid: Any


def is_valid_on(tariff: Dated, day: date) -> bool:
    """`valid` is half-open and may have no end."""
    start, end = tariff.valid.lower, tariff.valid.upper
    return start <= day and (end is None or day < end)
