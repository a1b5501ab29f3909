"""What a wish would cost and whether it could be booked, put into what the pages show."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from billing import wording
from billing.models import Programme
from bookings import finding, queries
from bookings.availability import free_periods
from bookings.rules import refusals
from bookings.splitting import Share, shared_out
from bookings.till import Quote, Wish, till
from institutions.models import User
from institutions.pages.fields import slot_params
from instruments.models import Instrument
from kernel.periods import Period

# Free time is looked for around the wish, so that margins and steps do not hide it.
_AROUND = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Offer:
    """A free slot near a taken one; `params` fill the booking form."""

    instrument: Instrument
    period: Period
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class Voucher:
    """What one programme pays, or every reason why it pays nothing, in sentences."""

    programme: Programme
    eligible: bool
    is_chosen: bool
    amount: Decimal
    sentences: list[str]


@dataclass(slots=True)
class Shown:
    """A wish as the panel shows it."""

    wish: Wish
    quote: Quote
    refusals: list[str]
    is_free: bool
    needs_approval: bool
    vouchers: list[Voucher] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)

    @property
    def may_book(self) -> bool:
        return self.is_free and not self.refusals

    @property
    def parts(self) -> list[tuple[Share, Decimal]]:
        """What each project bears, where several share the price."""
        return shared_out(self.quote.net, self.wish.splits) if self.wish.splits else []

    @property
    def is_internal(self) -> bool:
        """Among one's own: vouchers have nothing to do with it."""
        project = self.wish.project
        return project is not None and (
            project.institution_id == self.wish.instrument.institution_id
        )

    @property
    def paying(self) -> list[Voucher]:
        return [voucher for voucher in self.vouchers if voucher.eligible]

    @property
    def others(self) -> list[Voucher]:
        return [voucher for voucher in self.vouchers if not voucher.eligible]

    @property
    def chosen(self) -> Voucher | None:
        return next((voucher for voucher in self.vouchers if voucher.is_chosen), None)


def shown(wish: Wish, *, by: User, at: datetime) -> Shown:
    """Price, vouchers with reasons, refusals of rules and money, and alternatives if taken."""
    facts = queries.facts(wish, by=by, at=at)
    rules = list(refusals(facts))
    quote = till().quotes([wish], at=at)[0]
    is_free = bool(rules) or _is_free(wish, at=at)
    return Shown(
        wish=wish,
        quote=quote,
        refusals=[str(refusal) for refusal in (*rules, *quote.refusals)],
        is_free=is_free,
        needs_approval=facts.terms.needs_approval(
            is_qualified=facts.is_qualified, gross=quote.gross
        ),
        vouchers=vouchers(wish, quote),
        offers=[] if is_free else offers(wish, at=at),
    )


def _is_free(wish: Wish, *, at: datetime) -> bool:
    window = wish.period.widened(_AROUND, _AROUND)
    free = free_periods(
        [wish.instrument],
        window,
        length=wish.period.length,
        needs={wish.instrument.pk: wish.needs},
        at=at,
        project=wish.project,
        by_allocation=True,
    )
    return any(period.contains(wish.period) for period in free.get(wish.instrument.pk, []))


def offers(wish: Wish, *, at: datetime) -> list[Offer]:
    """The nearest free slots here, and those of equivalent instruments, for the same money."""
    kept = {"project": str(wish.project.pk) if wish.project else "", "programme": wish.programme}
    found = finding.alternatives(wish, at=at)
    named = Instrument.objects.select_related("institution__region__city").in_bulk(
        {slot["instrument"] for slot in found}, field_name="code"
    )
    return [
        Offer(
            other := named[slot["instrument"]],
            free := Period(slot["start"], slot["end"]),
            slot_params(free, other.institution.timezone) | kept | _along(wish, other),
        )
        for slot in found
    ]


def _along(wish: Wish, instrument: Instrument) -> dict[str, str]:
    """The configuration as the form of that instrument has it; others choose their own."""
    set_up = wish.needs.configuration
    if set_up is None or instrument.pk != wish.instrument.pk:
        return {}
    return {"configuration": str(set_up.pk)}


def vouchers(wish: Wish, quote: Quote) -> list[Voucher]:
    """Those that pay first, then the others by code."""
    programmes = Programme.objects.in_bulk(
        {answer.programme for answer in quote.programmes}, field_name="code"
    )
    found = [
        Voucher(
            programme=programmes[answer.programme],
            eligible=answer.eligible,
            is_chosen=answer.programme == quote.programme,
            amount=answer.amount,
            sentences=wording.sentences(answer, wish),
        )
        for answer in quote.programmes
    ]
    return sorted(found, key=lambda one: (not one.is_chosen, not one.eligible, one.programme.code))
