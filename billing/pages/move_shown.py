"""What the page shows of a move: before and after, what waits again, or what is free instead."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.pages.booking import vouchers_of
from billing.pages.quote import Offer
from bookings import finding
from bookings.actions.reschedule import Preview, needs_of, wish_of
from bookings.models import Booking
from bookings.needs import Needs
from bookings.pages.sentences import sentences_of
from bookings.states import State
from institutions.pages.fields import slot_params
from instruments.models import Instrument
from kernel.periods import Period
from kernel.refusals import SlotTaken

_WAITS: dict[str, str | Promise] = {
    State.AWAITING_PRINCIPAL: gettext_lazy(
        "The project's principal has to agree to the price first; until then the time is kept."
    ),
    State.REQUESTED: gettext_lazy(
        "The facility has to approve it at the new time; until then the time is kept."
    ),
    State.APPROVED: gettext_lazy("Nobody has to approve it any more."),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One amount before and after; `more` is what it grows by (CNY)."""

    label: str
    before: Decimal
    after: Decimal

    @property
    def more(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Along:
    """What goes along, before and after; empty where nothing does."""

    label: str
    before: str
    after: str


def shown(
    preview: Preview, booking: Booking, instrument: Instrument, period: Period, *, at: datetime
) -> dict[str, Any]:
    """The context of the page for where it would go; `booking` as `booking_or_404` reads it."""
    needs = needs_of(booking, instrument)
    if preview.error is not None:
        taken = isinstance(preview.error, SlotTaken)
        return {
            "refusals": sentences_of(preview.error),
            "was_taken": taken,
            "offers": list(_offers(booking, instrument, period, needs, at)) if taken else [],
        }
    if preview.after is None or not preview.is_move:
        return {"stays": True}
    vouchers = list(vouchers_of(booking, preview.after.price))
    return {
        "before": preview.before,
        "after": preview.after,
        "seal": preview.seal,
        "differences": list(_differences(preview.before.price, preview.after.price)),
        "along": list(_along(booking, instrument, needs)),
        "notes": list(_notes(preview.before, preview.after)),
        "paying": [voucher for voucher in vouchers if voucher["eligible"]],
        "others": [voucher for voucher in vouchers if not voucher["eligible"]],
        "is_internal": booking.project.institution_id == instrument.institution_id,
    }


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """Price, voucher and what is to pay; no voucher where none pays on either side."""
    later = "reimburse" in (before.get("settlement"), after.get("settlement"))
    for name, label in (
        ("gross", _("Price")),
        ("voucher", _("To claim back afterwards") if later else _("Voucher")),
        ("net", _("To pay")),
    ):
        one = Difference(label, Decimal(before.get(name, "0")), Decimal(after.get(name, "0")))
        if name != "voucher" or one.before or one.after:
            yield one


def _along(booking: Booking, instrument: Instrument, needs: Needs) -> Iterator[Along]:
    """Another instrument may not take the accessories, nor know the configuration."""
    if instrument.pk == booking.instrument_id:
        return
    if booking.configuration:
        set_up = str(needs.configuration or "")
        yield Along(_("Configuration"), str(booking.configuration), set_up)
    if booking.accessories_taken:
        fitting = " · ".join(str(one) for one in needs.accessories)
        taken = " · ".join(str(one) for one in booking.accessories_taken)
        yield Along(_("Accessories"), taken, fitting)


def _notes(before: Booking, after: Booking) -> Iterator[str]:
    if after.state != before.state:
        yield str(_WAITS[after.state])
    if after.moved_late and not before.moved_late:
        yield _(
            "The notice period of the present time has begun: "
            "cancelling will cost the late fee, at the new time too."
        )


def _offers(
    booking: Booking, instrument: Instrument, period: Period, needs: Needs, at: datetime
) -> Iterator[Offer]:
    """The nearest free times there, and those of equivalent instruments of the facility."""
    wish = wish_of(booking, instrument, period, needs)
    found = finding.alternatives(wish, leaving=booking, at=at)
    place = booking.instrument.institution
    named = Instrument.objects.filter(institution=place).in_bulk(
        {slot["instrument"] for slot in found}, field_name="code"
    )
    for slot in found:
        free = Period(slot["start"], slot["end"])
        params = slot_params(free, place.timezone) | {"instrument": slot["instrument"]}
        yield Offer(named[slot["instrument"]], free, params)
