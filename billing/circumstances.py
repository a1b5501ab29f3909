"""What besides time and quantity a booking's price depends on: short notice, regular hours,
operators, hours that are paid for. Settled once, frozen on the booking, thawed for the charge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Self

from billing import pricing
from billing.pricing import Along
from billing.rates import Rates
from bookings.models import SegmentKind, Usage
from instruments.models import Instrument
from kernel.periods import Period, minus, overlap

FROZEN = "along"


@dataclass(frozen=True, slots=True)
class Draw:
    """Minutes that a booking takes from a package of hours."""

    package_id: int
    kind: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """`regular` are the regular hours around the booked time, None where they do not matter.
    `asked_at` is when this start was asked for, None where short notice costs nothing.
    `attended`: whether an operator is there, from `after` so many minutes on, `stay` for how many
    (None: to the end)."""

    rush: bool = False
    asked_at: datetime | None = None
    start: datetime | None = None
    regular: tuple[Period, ...] | None = None
    attended: bool = False
    after: int = 0
    stay: int | None = None
    draws: tuple[Draw, ...] = ()

    def along(self, used: Sequence[Period], *, minutes: int | None = None) -> Along:
        """For what was `used` (booked time, or real use without its down time); `minutes`: what
        may be taken from packages (default: all that was drawn)."""
        granted, prepaid = _covered(self.draws, minutes)
        return Along(
            rush=self.rush,
            off_share=self._off_share(used),
            operator_minutes=self._attended_minutes(used),
            granted_minutes=granted,
            prepaid_minutes=prepaid,
        )

    def _off_share(self, used: Sequence[Period]) -> Fraction:
        length = sum((one.length for one in used), timedelta(0))
        if self.regular is None or not length:
            return Fraction(0)
        inside = overlap(used, self.regular)
        return 1 - Fraction(inside // _UNIT, length // _UNIT)

    def _attended_minutes(self, used: Sequence[Period]) -> int:
        if not self.attended:
            return 0
        length = sum((one.length for one in used), timedelta(0))
        minutes = -(-length // timedelta(minutes=1))
        # As `attendance.span` has it: who comes after the use is over was there for all of it.
        minutes -= self.after if minutes > self.after else 0
        return minutes if self.stay is None else min(self.stay, minutes)

    def frozen(self) -> dict[str, Any]:
        """JSON-ready; empty where nothing matters."""
        found: dict[str, Any] = {}
        if self.asked_at is not None and self.start is not None:
            found["short_notice"] = {
                "applies": self.rush,
                "asked_at": self.asked_at.isoformat(),
                "start": self.start.isoformat(),
            }
        if self.regular is not None:
            found["regular"] = [[p.start.isoformat(), p.end.isoformat()] for p in self.regular]
        if self.attended:
            found["operator"] = {"after": self.after, "minutes": self.stay}
        if self.draws:
            found["hours"] = [
                {"package": one.package_id, "kind": one.kind, "minutes": one.minutes}
                for one in self.draws
            ]
        return {FROZEN: found} if found else {}

    @classmethod
    def thawed(cls, versions: Mapping[str, Any]) -> Self:
        """What `frozen` wrote into a booking's versions."""
        found = versions.get(FROZEN, {})
        regular = found.get("regular")
        notice, operator = found.get("short_notice"), found.get("operator")
        return cls(
            rush=bool(notice and notice["applies"]),
            asked_at=datetime.fromisoformat(notice["asked_at"]) if notice else None,
            start=datetime.fromisoformat(notice["start"]) if notice else None,
            regular=None if regular is None else tuple(_period(one) for one in regular),
            attended=operator is not None,
            after=operator["after"] if operator else 0,
            stay=operator["minutes"] if operator else None,
            draws=tuple(
                Draw(one["package"], one["kind"], one["minutes"]) for one in found.get("hours", ())
            ),
        )


_UNIT = timedelta(microseconds=1)


def _period(ends: Sequence[str]) -> Period:
    return Period(datetime.fromisoformat(ends[0]), datetime.fromisoformat(ends[1]))


def _covered(draws: Iterable[Draw], minutes: int | None) -> tuple[int, int]:
    """Granted and prepaid minutes of the draws, in their order, no more than `minutes`."""
    found = {"granted": 0, "prepaid": 0}
    for draw in draws:
        part = draw.minutes if minutes is None else min(draw.minutes, minutes)
        minutes = None if minutes is None else minutes - part
        found[draw.kind] += part
    return found["granted"], found["prepaid"]


def is_rush(rates: Rates, start: datetime, asked_at: datetime | None) -> bool:
    """Whether a start was asked for less than the price's notice ahead."""
    if asked_at is None or rates.rush_within_minutes is None:
        return False
    return start - asked_at < timedelta(minutes=rates.rush_within_minutes)


def settled(
    rates: Rates,
    instrument: Instrument,
    period: Period,
    *,
    asked_at: datetime | None,
    regular: Sequence[Period] | None,
    draws: Sequence[Draw],
) -> Circumstances:
    """What matters to this price, and only that: the rest is left out of what is frozen."""
    has_notice = asked_at is not None and rates.rush_factor is not None
    has_operator = rates.operator_price is not None and instrument.needs_operator
    return Circumstances(
        rush=is_rush(rates, period.start, asked_at),
        asked_at=asked_at if has_notice else None,
        start=period.start if has_notice else None,
        regular=None if regular is None else tuple(regular),
        attended=has_operator,
        after=instrument.operator_offset_minutes if has_operator else 0,
        stay=instrument.operator_minutes if has_operator else None,
        draws=tuple(draws),
    )


def asked_at_of(price: Mapping[str, Any], start: datetime, at: datetime) -> datetime:
    """When the booking's `start` was asked for: what is asked anew for the same start, such as
    more time while in use, is no shorter notice than before."""
    versions = price.get("versions", {})
    notice = versions.get(FROZEN, {}).get("short_notice") if isinstance(versions, dict) else None
    if notice and datetime.fromisoformat(notice["start"]) == start:
        return datetime.fromisoformat(notice["asked_at"])
    return at


def ran(usage: Usage) -> list[Period]:
    """The use without the time in which the instrument was down. Segments are loaded."""
    down = [one.period for one in usage.segments.all() if one.kind == SegmentKind.DOWN]
    return list(minus([usage.period], down))


def coverable(rates: Rates, usage: Usage) -> int:
    """How many of a use's minutes packages may take over."""
    return pricing.coverable_minutes(rates, usage.period, down=usage.down_time)
