"""What was used up is recorded with the use."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, Usage, UsageConsumable
from instruments.consumables import prices_on
from instruments.models import Consumable, Instrument
from kernel.periods import Period, day_in
from kernel.refusals import Malformed, Refusal, Refused


def consumables_named(
    quantities: Mapping[str, Decimal], instrument: Instrument
) -> dict[Consumable, Decimal]:
    """Consumables of the instrument or its facility by their codes, with how much of each.

    Raises `Malformed` on `consumables` for a code that names none of them. No query for none.
    """
    if not quantities:
        return {}
    known = {one.code: one for one in Consumable.objects.on(instrument)}
    if unknown := quantities.keys() - known.keys():
        raise Malformed(
            {"consumables": [_("Unknown code: %(codes)s.") % {"codes": ", ".join(sorted(unknown))}]}
        )
    return {known[code]: amount for code, amount in quantities.items()}


def priced(
    booking: Booking, during: Period, consumables: Mapping[Consumable, Decimal]
) -> list[UsageConsumable]:
    """Rows to be, each at the price of the day on which the use began, where the facility is.

    Raises `Refused` with `consumable_elsewhere` or `consumable_without_price`, all of them at
    once. No query for none.
    """
    if not consumables:
        return []
    zone = booking.instrument.institution.timezone
    prices = prices_on([one.pk for one in consumables], day_in(zone, during.start))
    Refused.unless_none(_refusals(booking, consumables, prices))
    return [
        UsageConsumable(consumable=one, quantity=quantity, unit_price=prices[one.pk])
        for one, quantity in consumables.items()
    ]


def _refusals(
    booking: Booking, consumables: Mapping[Consumable, Decimal], prices: Mapping[int, Decimal]
) -> Iterator[Refusal]:
    instrument = booking.instrument
    for one in consumables:
        fits = one.instrument_id in (None, instrument.pk)
        if not fits or one.institution_id != instrument.institution_id:
            yield Refusal(
                "consumable_elsewhere",
                _("%(code)s does not go with this instrument."),
                {"code": one.code},
            )
        elif one.pk not in prices:
            yield Refusal(
                "consumable_without_price",
                _("%(code)s has no price on that day."),
                {"code": one.code},
            )


def write(usage: Usage, rows: Sequence[UsageConsumable]) -> None:
    """In the transaction that wrote `usage`, before it is charged."""
    for row in rows:
        row.usage = usage
    if rows:
        UsageConsumable.objects.bulk_create(rows)
