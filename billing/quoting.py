"""Puts price and vouchers together into a quote. Pure: everything it needs has been read."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing import pricing, vouchers
from billing.days import day_of
from billing.facts import Asked, Facts, Purse
from billing.models import Settlement
from billing.vouchers import Terms
from bookings.till import BEST, Line, Quote, VoucherAnswer
from kernel.money import ZERO
from kernel.refusals import Malformed, Refusal

ORDER_NUMBER_MISSING = "order_number_missing"


def quote(one: Asked, facts: Facts, purse: Purse) -> Quote:
    """The price of one wish, with what every programme would pay of it and why not.

    Raises `Malformed` on `programme` for a code that names none. A wish without a project is
    priced like an outside enterprise's, and no voucher is considered: naming one is refused.
    """
    refuse_unknown_programme(one.wish.programme, facts)
    price = facts.price(one)
    if price is None:
        return Quote(gross=ZERO, refusals=(no_tariff(one),))
    circumstances = facts.circumstances(one, price, purse)
    along = circumstances.along([one.wish.period])
    lines = pricing.lines(price.rates, one.wish.period, one.wish.quantity, along=along)
    versions = {
        **price.versions,
        "user_class": one.user_class.name.lower(),
        **circumstances.frozen(),
    }
    if pricing.is_out_of_range(lines):
        return Quote(gross=ZERO, refusals=(out_of_range(),), versions=versions)
    gross = pricing.gross(lines)
    if one.payer is None:
        refusals = tuple(_refusals_without_project(one.wish.programme))
        return Quote(gross=gross, net=gross, lines=lines, refusals=refusals, versions=versions)
    return _with_voucher(one, facts, purse, lines, versions)


def _with_voucher(
    one: Asked, facts: Facts, purse: Purse, lines: tuple[Line, ...], versions: dict[str, Any]
) -> Quote:
    gross = pricing.gross(lines)
    terms_by_code = {terms.programme: terms for terms in facts.terms_on(one.day)}
    occasion = facts.occasion(one)
    answers = tuple(
        vouchers.answer(terms, occasion, facts.funds(terms, one, purse), gross)
        for terms in terms_by_code.values()
    )
    chosen = _chosen(one.wish.programme, answers)
    refusals = tuple(_voucher_refusals(one.wish.programme, answers))
    if chosen is None:
        return Quote(
            gross=gross,
            net=gross,
            lines=lines,
            programmes=answers,
            refusals=refusals,
            versions=versions,
        )
    terms = terms_by_code[chosen.programme]
    return Quote(
        gross=gross,
        voucher=chosen.amount,
        net=net(gross, chosen.amount, terms.settlement),
        lines=lines,
        programme=chosen.programme,
        settlement=terms.settlement,
        programmes=answers,
        versions=versions | _voucher_versions(terms, one, facts, purse),
        # A rejected claim leaves the payer with all of it, under either settlement.
        most_owed=gross,
        claim_by=terms.claim_by(day_of(one.provider, one.wish.period.end)),
    )


def net(gross: Decimal, voucher: Decimal, settlement: str) -> Decimal:
    """What the payer owes the provider: under reimbursement all of it, and he claims later."""
    return gross - voucher if settlement == Settlement.NET else gross


def _chosen(programme: str, answers: tuple[VoucherAnswer, ...]) -> VoucherAnswer | None:
    if programme == BEST:
        return vouchers.best(answers)
    return next((a for a in answers if a.programme == programme and a.eligible), None)


def _voucher_refusals(programme: str, answers: tuple[VoucherAnswer, ...]) -> Iterator[Refusal]:
    """Who names a programme wants its money; `best` takes what there is, be it nothing."""
    for answer in answers:
        if answer.programme == programme and not answer.eligible:
            others = tuple(code for code in answer.reasons if code != ORDER_NUMBER_MISSING)
            if others != answer.reasons:
                yield _order_number_missing(programme)
            if others:
                yield _not_eligible(programme, others)


def _refusals_without_project(programme: str) -> Iterator[Refusal]:
    """There is no holder then, whose allotment a named programme could be paid from."""
    if programme not in ("", BEST):
        yield _not_eligible(programme, ("no_project",))


def _not_eligible(programme: str, reasons: tuple[str, ...]) -> Refusal:
    return Refusal(
        "voucher_not_eligible",
        _("The voucher %(programme)s pays nothing here."),
        {"programme": programme, "reasons": list(reasons)},
    )


def _order_number_missing(programme: str) -> Refusal:
    return Refusal(
        ORDER_NUMBER_MISSING,
        _("%(programme)s asks for the order number of the official platform before the service."),
        {"programme": programme},
    )


def _voucher_versions(terms: Terms, one: Asked, facts: Facts, purse: Purse) -> dict[str, int]:
    funds = facts.funds(terms, one, purse)
    assert funds.allotment_id is not None
    assert funds.pool_id is not None
    return {
        "terms": terms.id,
        "terms_version": terms.version,
        "allotment": funds.allotment_id,
        "pool": funds.pool_id,
    }


def refuse_unknown_programme(programme: str, facts: Facts) -> None:
    """Raises `Malformed` on `programme` unless it is empty, `best` or a programme's code."""
    if programme and programme != BEST and programme not in facts.terms:
        raise Malformed({"programme": [_("There is no voucher programme with this code.")]})


def no_tariff(one: Asked) -> Refusal:
    return Refusal(
        "no_tariff",
        _("Instrument %(instrument)s has no price for this user on that day."),
        {"instrument": one.wish.instrument.code, "user_class": one.user_class.name.lower()},
    )


def out_of_range() -> Refusal:
    return Refusal("price_out_of_range", _("This price is too high to be meant."))
