"""Turn real use into charges."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Case, Value, When, prefetch_related_objects

from billing import facts, pricing, reading, vouchers
from billing.actions.draw_hours import held_hours, post_used
from billing.actions.funds import Transfers
from billing.actions.hold_deposits import settle_deposits
from billing.actions.make_charges import Draft, make_charges
from billing.circumstances import Circumstances, coverable, ran
from billing.days import day_of
from billing.exceptions import ELIGIBILITY_LOST
from billing.models import Charge, ChargeKind, Redemption
from billing.models.columns import money_column
from billing.quoting import out_of_range
from billing.states import ChargeState, RedemptionState
from bookings.models import Booking, Usage
from bookings.splitting import read_splits
from bookings.till import Line, Wish
from institutions.models import User
from kernel.money import ZERO
from kernel.refusals import Refused


def charge_use(*, usages: Sequence[Usage], by: User | None, at: datetime) -> list[Charge]:
    """One charge per use, priced by the tariff version that was frozen on its booking; time in
    which the instrument was down is not charged, what was used up is.

    The voucher pays the same share of the real gross, never more than was held; the rest goes
    back. Whether it may pay is tested once more, but for the money that is held: where it may not,
    it pays nothing and the charge is an `exception`. Month and VAT rate are those of the day on
    which the use ended, in the provider's zone. A booking without a frozen tariff leaves an
    `exception` of ¥0 for the billing office. Runs inside the caller's transaction, which has locked
    the bookings; locks projects, allotments, pools, packages of hours. Raises
    `Refused('price_out_of_range')` for use that nobody can have meant.
    """
    prefetch_related_objects(
        usages,
        "booking__instrument__institution",
        "booking__project__institution",
        "segments",
        "consumables__consumable",
    )
    read_splits([usage.booking for usage in usages])
    held = held_redemptions([usage.booking_id for usage in usages])
    drafts = [_draft(usage, held.get(usage.booking_id)) for usage in usages]
    _test_again([draft for draft in drafts if draft.redemption])
    moves = Transfers()
    for draft in drafts:
        _settle(draft, held.get(draft.booking.pk), moves)
    moves.apply()
    _capture({draft.redemption.pk: draft.voucher for draft in drafts if draft.redemption})
    captured = {draft.redemption.pk for draft in drafts if draft.redemption}
    release_redemptions([row for row in held.values() if row.pk not in captured])
    charges = make_charges(drafts=drafts, by=by, at=at)
    _use_ahead(usages, charges, by=by, at=at)
    return charges


def _use_ahead(
    usages: Sequence[Usage], charges: Sequence[Charge], *, by: User | None, at: datetime
) -> None:
    """Of the hours that were drawn, what was really used is used up, and the rest goes back; so do
    deposits, of which what is owed stays until it is invoiced."""
    drawn = held_hours([usage.booking for usage in usages])
    posted = []
    for usage, charge in zip(usages, charges, strict=True):
        minutes = charge.price.get("hours_minutes", 0)
        posted.append((drawn.use(usage.booking, minutes), charge))
    drawn.save()
    settle_deposits(
        {usage.booking: charge.net for usage, charge in zip(usages, charges, strict=True)}
    )
    for draws, charge in posted:
        post_used(draws, drawn.packages, charge=charge, by=by, at=at)


def held_redemptions(booking_ids: Sequence[int]) -> dict[int, Redemption]:
    """What is held for these bookings, by booking. The bookings' locks keep it as it is."""
    rows = Redemption.objects.filter(booking__in=booking_ids, state=RedemptionState.HELD)
    return {row.booking_id: row for row in rows.select_related("terms__programme")}


def release_redemptions(rows: Sequence[Redemption]) -> None:
    """`held → released`; the money itself is moved by the caller."""
    if rows:
        Redemption.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=RedemptionState.RELEASED
        )


def promised(usage_or_booking_price: Mapping[str, object]) -> Decimal:
    """What the project promised when this price was frozen; nothing where nothing was held."""
    versions = usage_or_booking_price.get("versions")
    return Decimal(versions.get("budget", "0")) if isinstance(versions, dict) else ZERO


def _draft(usage: Usage, held: Redemption | None) -> Draft:
    booking = usage.booking
    day = day_of(booking.instrument.institution, usage.period.end)
    month = day.replace(day=1)
    versions = booking.price.get("versions", {})
    if "rates" not in versions:
        return Draft(
            booking,
            ChargeKind.USE,
            (),
            month,
            day=day,
            state=ChargeState.EXCEPTION,
            reason="no_tariff",
        )
    rates = pricing.Rates.thawed(versions["rates"])
    down = usage.down_time
    frozen = Circumstances.thawed(versions)
    hours = min(coverable(rates, usage), sum(one.minutes for one in frozen.draws))
    along = frozen.along(ran(usage), minutes=hours)
    lines = pricing.lines(rates, usage.period, usage.quantity, down=down, along=along)
    lines += tuple(_consumed(usage))
    if pricing.is_out_of_range(lines):
        raise Refused(out_of_range())
    draft = Draft(booking, ChargeKind.USE, lines, month, day=day)
    draft.price = {
        "tariff": versions["tariff"],
        "rates": versions["rates"],
        "minutes": pricing.billed_minutes(rates, usage.period, down=down),
        "down_minutes": down // timedelta(minutes=1),
        "quantity": f"{usage.quantity:f}",
    }
    if hours:
        draft.price["hours_minutes"] = hours
    if held:
        terms = held.terms
        paid, limit = vouchers.captured(
            terms.rate, draft.gross, cap=terms.per_booking_cap, held=held.held_amount
        )
        draft.redemption, draft.voucher = (held, paid) if paid else (None, ZERO)
        draft.price |= {
            "terms": held.terms_id,
            "terms_version": terms.version,
            "voucher_limit": limit,
        }
    return draft


def _test_again(drafts: Sequence[Draft]) -> None:
    """Between booking and use a holder moves, an admission ends, two become related."""
    if not drafts:
        return
    cases = facts.asked([_wish(draft.booking) for draft in drafts])
    known = reading.load_parties(cases)
    for draft, case in zip(drafts, cases, strict=True):
        assert draft.redemption
        held = draft.redemption.terms_id
        [terms] = [one for found in known.terms.values() for one in found if one.id == held]
        if reasons := vouchers.lost(terms, known.occasion(case)):
            draft.redemption, draft.voucher = None, ZERO
            draft.state, draft.reason = ChargeState.EXCEPTION, ELIGIBILITY_LOST
            draft.price |= {"exception": ELIGIBILITY_LOST, "reasons": list(reasons)}


def _wish(booking: Booking) -> Wish:
    return Wish(
        instrument=booking.instrument,
        period=booking.period,
        quantity=booking.quantity,
        project=booking.project,
        order_number=booking.order_number,
    )


def _consumed(usage: Usage) -> Iterator[Line]:
    for one in usage.consumables.all():
        what = one.consumable
        yield pricing.consumed(what.code, what.unit, one.quantity, one.unit_price)


def _settle(draft: Draft, held: Redemption | None, moves: Transfers) -> None:
    moves.give_back(draft.booking, promised(draft.booking.price))
    moves.spend(draft.booking, draft.net)
    if held:
        moves.held[held.allotment_id] -= held.held_amount
        moves.captured[held.allotment_id] += draft.voucher
        moves.committed[held.pool_id] -= held.held_amount - draft.voucher


def _capture(amounts: Mapping[int, Decimal]) -> None:
    """`held → captured` with the amount of each."""
    if amounts:
        cases = [When(pk=pk, then=Value(amount)) for pk, amount in amounts.items()]
        Redemption.objects.filter(pk__in=amounts).update(
            state=RedemptionState.CAPTURED,
            captured_amount=Case(*cases, output_field=money_column()),
        )
