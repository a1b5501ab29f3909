"""Write charges with their lines and the first row of their history, many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateRange

from billing import pricing
from billing.actions.tell_payer import tell_later
from billing.days import day_of
from billing.models import (
    Charge,
    ChargeAllocation,
    ChargeEvent,
    ChargeKind,
    ChargeLine,
    Redemption,
)
from billing.quoting import net
from billing.states import ChargeState
from bookings.models import Booking
from bookings.splitting import read_splits, shared_out, shares_of
from bookings.till import Line
from institutions.models import Institution, User
from institutions.models.vat import USUAL_RATE
from institutions.vat import covers
from kernel.money import ZERO
from kernel.references import new_reference


@dataclass(slots=True)
class Draft:
    """A charge about to be written. `month` is the first day of its accounting month; `day`, of the
    provider's zone, decides its VAT rate: what takes the place of another (`adjusts`) keeps that
    one's. `voucher` is what `redemption` captured; `price` tells which versions it was computed
    with."""

    booking: Booking
    kind: ChargeKind
    lines: Sequence[Line]
    month: date
    redemption: Redemption | None = None
    voucher: Decimal = ZERO
    price: dict[str, Any] = field(default_factory=dict)
    state: ChargeState = ChargeState.IN_REVIEW
    day: date | None = None
    adjusts: Charge | None = None
    reason: str = ""

    @property
    def gross(self) -> Decimal:
        return pricing.gross(self.lines)

    @property
    def settlement(self) -> str:
        return self.redemption.terms.settlement if self.redemption else ""

    @property
    def net(self) -> Decimal:
        """What the payer owes the provider."""
        return net(self.gross, self.voucher, self.settlement)


def make_charges(*, drafts: Sequence[Draft], by: User | None, at: datetime) -> list[Charge]:
    """Five queries, however many drafts. Money is moved by the caller.

    Where the provider gives the payer days for review, a job that tells him leaves with the commit.
    """
    providers = _providers(drafts)
    charges = Charge.objects.bulk_create(_charge(draft, providers, by, at) for draft in drafts)
    ChargeLine.objects.bulk_create(
        ChargeLine(
            charge=charge,
            description=line.description,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            amount=line.amount,
        )
        for draft, charge in zip(drafts, charges, strict=True)
        for line in draft.lines
    )
    _allocate(drafts, charges)
    ChargeEvent.objects.bulk_create(
        ChargeEvent(
            charge=charge,
            at=at,
            by=by,
            kind="adjusted" if draft.adjusts else "charged",
            to_state=charge.state,
            reason=draft.reason,
        )
        for draft, charge in zip(drafts, charges, strict=True)
    )
    tell_later(charges)
    return charges


def _allocate(drafts: Sequence[Draft], charges: Sequence[Charge]) -> None:
    """The projects that share the booking bear what is owed for it in the same parts."""
    read_splits([draft.booking for draft in drafts])
    ChargeAllocation.objects.bulk_create(
        ChargeAllocation(charge=charge, project=share.project, percent=share.percent, amount=part)
        for draft, charge in zip(drafts, charges, strict=True)
        for share, part in shared_out(charge.net, shares_of(draft.booking))
    )


@dataclass(slots=True)
class _Provider:
    """How a provider charges: days for review, VAT rates by their days."""

    review_days: int | None
    rates: list[tuple[DateRange, Decimal]] = field(default_factory=list)

    def vat_rate(self, draft: Draft) -> Decimal:
        if draft.adjusts is not None:
            return draft.adjusts.vat_rate
        day = draft.day or draft.month
        return next((rate for valid, rate in self.rates if covers(valid, day)), USUAL_RATE)


def _providers(drafts: Sequence[Draft]) -> dict[int, _Provider]:
    """By id, in one query."""
    wanted = {draft.booking.instrument.institution_id for draft in drafts}
    rows = Institution.objects.filter(pk__in=wanted).values_list(
        "pk", "billing_settings__review_days", "vat_rates__valid", "vat_rates__rate"
    )
    found: dict[int, _Provider] = {}
    for pk, review_days, valid, rate in rows:
        provider = found.setdefault(pk, _Provider(review_days))
        if valid is not None:
            provider.rates.append((valid, rate))
    return found


def _charge(
    draft: Draft, providers: Mapping[int, _Provider], by: User | None, at: datetime
) -> Charge:
    booking = draft.booking
    provider, payer = booking.instrument.institution, booking.project.institution
    is_internal = provider.pk == payer.pk
    terms = providers[provider.pk]
    review_days = terms.review_days if draft.state == ChargeState.IN_REVIEW else None
    return Charge(
        reference=new_reference("CH"),
        booking=booking,
        kind=draft.kind,
        project=booking.project,
        payer=payer,
        provider=provider,
        redemption=draft.redemption,
        is_internal=is_internal,
        state=draft.state,
        gross=draft.gross,
        voucher=draft.voucher,
        net=draft.net,
        settlement=draft.settlement,
        vat_rate=ZERO if is_internal else terms.vat_rate(draft),
        period=draft.month,
        price=draft.price,
        review_until=_review_until(provider, review_days, at),
        created_at=at,
        created_by=by,
        adjusts=draft.adjusts,
    )


def _review_until(provider: Institution, days: int | None, at: datetime) -> date | None:
    return None if days is None else day_of(provider, at) + timedelta(days=days)
