"""The till: how bookings reach billing (`settings.BOOKINGS_TILL`). The protocol is in
`bookings/till.py`; each of its verbs is an action here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from billing import facts, reading
from billing.actions.charge_use import charge_use
from billing.actions.hold_money import hold_money
from billing.actions.lock_money import lock_money
from billing.actions.release_money import release_money
from billing.deposits import Cover, Pair, cover_refusals, covers_for
from billing.facts import Asked
from billing.quoting import quote
from bookings.models import Booking, Usage
from bookings.splitting import Share, shared_out
from bookings.till import BEST, Quote, Wish
from institutions.actions.budget import budget_refusal
from institutions.models import User
from kernel.refusals import Refusal


class Till:
    """Tariffs, vouchers and project budgets. Keeps nothing between calls."""

    def quotes(self, wishes: Sequence[Wish], *, at: datetime) -> list[Quote]:
        """What each wish would cost by itself, every voucher considered; writes nothing.

        A fixed number of queries. Raises `Malformed` for a programme's code that names none.
        """
        cases = facts.asked(wishes, at=at)
        known = reading.load(cases)
        cover = covers_for(cases, known)
        return [_with_payer(one, quote(one, known, known.purse()), cover) for one in cases]

    def refusals(self, wishes: Sequence[Wish], *, at: datetime) -> list[tuple[Refusal, ...]]:
        """As `quotes` has them. Vouchers are read only where they could refuse: a lost race for a
        slot is answered in half the time."""
        cases = facts.asked(wishes, at=at)
        known = reading.load(cases, with_vouchers=any(map(_may_refuse, wishes)))
        cover = covers_for(cases, known)
        return [_with_payer(one, quote(one, known, known.purse()), cover).refusals for one in cases]

    def hold(self, bookings: Sequence[Booking], *, by: User | None, at: datetime) -> list[Quote]:
        """Holds voucher money and budget; the returned quotes are final: freeze them.

        Locks projects, allotments, pools, packages of hours, deposits. Raises `Refused` with every
        reason, or `Malformed`.
        """
        return hold_money(bookings=bookings, by=by, at=at)

    def lock(self, bookings: Sequence[Booking]) -> None:
        """Locks projects, allotments, pools, for `release` and `hold` of one after the other."""
        lock_money(bookings=bookings)

    def release(
        self, bookings: Sequence[Booking], *, reason: str, by: User | None, at: datetime
    ) -> None:
        """Gives back what was held; late cancellations and no-shows leave a charge.

        Locks projects, allotments, pools, packages of hours, deposits.
        """
        release_money(bookings=bookings, reason=reason, by=by, at=at)

    def charge(self, usages: Sequence[Usage], *, by: User | None, at: datetime) -> None:
        """Real use becomes a charge in review.

        Locks projects, allotments, pools, packages of hours, deposits.
        """
        charge_use(usages=usages, by=by, at=at)


def _may_refuse(wish: Wish) -> bool:
    """Whether a voucher decides if money says no: one asked for by its code, or a budget that the
    price without it might exceed."""
    has_budget = any(share.project.budget is not None for share in wish.shares)
    return has_budget or wish.programme not in ("", BEST)


def _with_payer(one: Asked, found: Quote, cover: Mapping[Pair, Cover]) -> Quote:
    """The preview says what the hold would say, as far as the project and the deposit that were
    read tell."""
    refusals = list(found.refusals)
    refusals += [
        refusal
        for share, part in _parts(found, one.wish)
        if (refusal := budget_refusal(share.project, part))
    ]
    if one.payer:
        refusals += cover_refusals({(one.provider.pk, one.payer.pk): found.net}, cover)
    return replace(found, refusals=tuple(refusals))


def _parts(found: Quote, wish: Wish) -> list[tuple[Share, Decimal]]:
    return shared_out(found.net, wish.shares) if wish.shares else []
