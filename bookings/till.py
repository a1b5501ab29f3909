"""The one port by which the calendar reaches money, without knowing billing.

Everything is plural, so that a series, a campaign or a search is one call.
`settings.BOOKINGS_TILL` names the implementation; without one, everything costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from bookings.models import Booking, Usage
from bookings.models.split import WHOLE
from bookings.needs import NOTHING_ELSE, Needs
from bookings.splitting import Share
from institutions.models import Project, User
from instruments.models import Instrument
from kernel.money import CURRENCY, ZERO, as_text
from kernel.periods import Period
from kernel.refusals import Refusal

BEST = "best"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody would like to book. `programme` is a code, `best`, or empty for no voucher;
    `order_number` the official platform's, where the programme asks for one; `splits` how several
    projects share the price, the `project` first, empty where it pays alone.

    Without a `project` the price is that of an outside enterprise, and no voucher is considered.
    """

    instrument: Instrument
    period: Period
    quantity: Decimal
    project: Project | None
    programme: str = ""
    needs: Needs = NOTHING_ELSE
    order_number: str = ""
    splits: tuple[Share, ...] = ()

    @property
    def shares(self) -> tuple[Share, ...]:
        """Who would pay: the project alone, unless the wish is split."""
        if self.splits or self.project is None:
            return self.splits
        return (Share(self.project, Decimal(WHOLE)),)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote; `description` is a code that `billing` words in both languages."""

    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class VoucherAnswer:
    """What one programme would pay, and why or why not (stable codes)."""

    programme: str
    eligible: bool
    amount: Decimal
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """A price. `net` is what the payer owes the institution; amounts are CNY, VAT included.

    `most_owed` is the most that the payer may be left with if a claim of the voucher is rejected
    (None: `net`), `claim_by` the last day for that claim, where the programme names one.
    """

    gross: Decimal
    voucher: Decimal = ZERO
    net: Decimal = ZERO
    lines: tuple[Line, ...] = ()
    programme: str | None = None
    settlement: str | None = None
    programmes: tuple[VoucherAnswer, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    versions: dict[str, Any] = field(default_factory=dict)
    most_owed: Decimal | None = None
    claim_by: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, in the shape of the API, with the versions that were used."""
        return {
            "currency": CURRENCY,
            "lines": [
                {
                    "description": line.description,
                    "quantity": f"{line.quantity.normalize():f}",
                    "unit": line.unit,
                    "unit_price": as_text(line.unit_price),
                    "amount": as_text(line.amount),
                }
                for line in self.lines
            ],
            "gross": as_text(self.gross),
            "voucher": as_text(self.voucher),
            "net": as_text(self.net),
            "programme": self.programme,
            "programmes": [
                {
                    "programme": answer.programme,
                    "eligible": answer.eligible,
                    "amount": as_text(answer.amount),
                    "reasons": list(answer.reasons),
                }
                for answer in self.programmes
            ],
            "settlement": self.settlement,
            "most_owed": as_text(self.net if self.most_owed is None else self.most_owed),
            "claim_by": self.claim_by.isoformat() if self.claim_by else None,
            "refusals": [refusal.as_dict() for refusal in self.refusals],
            "versions": self.versions,
        }


class Till(Protocol):
    """What the calendar asks of billing. All but `quotes` run inside the caller's transaction."""

    def quotes(self, wishes: Sequence[Wish], *, at: datetime) -> list[Quote]:
        """What these would cost now, every voucher considered, with reasons; writes nothing."""

    def refusals(self, wishes: Sequence[Wish], *, at: datetime) -> list[tuple[Refusal, ...]]:
        """Why money would say no to each of these now: what `quotes` would refuse, for less."""

    def hold(self, bookings: Sequence[Booking], *, by: User | None, at: datetime) -> list[Quote]:
        """Hold voucher money and project budget; raises `Refused` when money says no."""

    def lock(self, bookings: Sequence[Booking]) -> None:
        """Locks in the one order all that `release` and `hold` of these bookings may move, for a
        caller who will ask for one booking after the other."""

    def release(
        self, bookings: Sequence[Booking], *, reason: str, by: User | None, at: datetime
    ) -> None:
        """Give held money back. `reason` is `declined`, `expired`, `cancelled`,
        `late_cancellation`, `no_show` or `rescheduled`; the fourth and fifth may leave a fee."""

    def charge(self, usages: Sequence[Usage], *, by: User | None, at: datetime) -> None:
        """Real use becomes a charge; the voucher is captured, what is left of it released."""


class FreeTill:
    """Everything costs nothing: an institution that only wants the calendar."""

    def quotes(self, wishes: Sequence[Wish], *, at: datetime) -> list[Quote]:
        return [Quote(gross=ZERO) for _ in wishes]

    def refusals(self, wishes: Sequence[Wish], *, at: datetime) -> list[tuple[Refusal, ...]]:
        return [() for _ in wishes]

    def hold(self, bookings: Sequence[Booking], *, by: User | None, at: datetime) -> list[Quote]:
        return [Quote(gross=ZERO) for _ in bookings]

    def lock(self, bookings: Sequence[Booking]) -> None:
        return None

    def release(
        self, bookings: Sequence[Booking], *, reason: str, by: User | None, at: datetime
    ) -> None:
        return None

    def charge(self, usages: Sequence[Usage], *, by: User | None, at: datetime) -> None:
        return None


def till() -> Till:
    """The implementation that `settings.BOOKINGS_TILL` names."""
    name = getattr(settings, "BOOKINGS_TILL", "")
    return import_string(name)() if name else FreeTill()
