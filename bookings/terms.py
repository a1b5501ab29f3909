"""On which terms an instrument is booked: every rule resolved once, with where it comes from.

The instrument's own columns are the standing defaults. A dated rule of the facility beats them,
one of the instrument beats the facility's, and one that names user classes beats one for all.
Quotas of different scope, party, window or hours count different things: each of them holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bookings.models import BookingRule, Policy, RuleKind
from bookings.models.rule_shapes import COUNTING
from instruments.models import Approval, Instrument, OpeningCalendar, UserClass


@dataclass(frozen=True, slots=True)
class Limit:
    """A number, and the rule that it comes from (None: the instrument itself)."""

    value: int
    rule: BookingRule | None = None

    @property
    def rule_id(self) -> int | None:
        return self.rule.pk if self.rule else None


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one user class (None: nobody known) on one day. Lengths are minutes.

    `horizon` is days, None where a release takes the place of the instrument's own. `counting`
    are all rules that count a booking made now, those that are beaten by another one too: whoever
    is counted takes their locks.
    """

    user_class: UserClass | None
    step: Limit
    shortest: Limit
    longest: Limit
    lead: Limit
    horizon: Limit | None
    release: BookingRule | None
    gap: BookingRule | None
    quotas: tuple[BookingRule, ...]
    peak: BookingRule | None
    reserved: BookingRule | None
    allowed: BookingRule | None
    policy: Policy
    approval: BookingRule | None
    simultaneous: BookingRule | None
    counting: tuple[BookingRule, ...]

    @property
    def limiting(self) -> tuple[BookingRule, ...]:
        """Those of `counting` that hold: what another one beats is left out."""
        lone = (self.gap, self.reserved, self.simultaneous)
        return (*self.quotas, *(rule for rule in lone if rule is not None))

    @property
    def calendars(self) -> list[OpeningCalendar]:
        """Whose hours the rules look at, beside the instrument's own."""
        rules = (*self.quotas, self.peak, self.allowed)
        return [rule.hours for rule in rules if rule is not None and rule.hours is not None]

    @property
    def welcomes_the_untrained(self) -> bool:
        """Whether missing training is the manager's to judge and no refusal."""
        return self.policy == Policy.UNQUALIFIED

    def needs_approval(self, *, is_qualified: bool, gross: Decimal) -> bool:
        """Whether a manager decides on a booking of this gross price (CNY, before vouchers)."""
        match self.policy:
            case Policy.NEVER:
                return False
            case Policy.UNQUALIFIED:
                return not is_qualified
            case Policy.OUTSIDERS:
                return self.user_class != UserClass.INTERNAL
            case Policy.ABOVE_PRICE:
                return self.approval is None or gross > (self.approval.amount or 0)
        return True


def resolve(
    instrument: Instrument, rules: Iterable[BookingRule], *, user_class: UserClass | None, on: date
) -> Terms:
    """The terms of `instrument` for bookings that start on `on`, a day in its institution's zone.

    `rules` are those of the facility and of the instrument, of whatever day and class.
    """
    ranked = sorted(
        (rule for rule in rules if rule.is_valid_on(on) and rule.binds(user_class)), key=_rank
    )

    def first(kind: RuleKind) -> BookingRule | None:
        return next((rule for rule in ranked if rule.kind == kind), None)

    def limit(kind: RuleKind, column: str, standing: int) -> Limit:
        for rule in ranked:
            if rule.kind == kind and getattr(rule, column) is not None:
                return Limit(getattr(rule, column), rule)
        return Limit(standing)

    release, approval = first(RuleKind.RELEASE), first(RuleKind.APPROVAL)
    horizon = limit(RuleKind.HORIZON, "most", instrument.horizon_days)
    return Terms(
        user_class=user_class,
        step=limit(RuleKind.GRANULARITY, "least", instrument.granularity_minutes),
        shortest=limit(RuleKind.LENGTH, "least", instrument.min_minutes),
        longest=limit(RuleKind.LENGTH, "most", instrument.max_minutes),
        lead=limit(RuleKind.LEAD_TIME, "least", instrument.lead_minutes),
        horizon=None if release and horizon.rule is None else horizon,
        release=release,
        gap=first(RuleKind.GAP),
        quotas=tuple(_quotas(ranked)),
        peak=first(RuleKind.PEAK),
        reserved=first(RuleKind.RESERVED_SHARE),
        allowed=first(RuleKind.ALLOWED_HOURS),
        policy=Policy(approval.policy) if approval else _standing_policy(instrument),
        approval=approval,
        simultaneous=first(RuleKind.SIMULTANEOUS),
        counting=tuple(sorted((r for r in ranked if r.kind in COUNTING), key=lambda r: r.pk)),
    )


def _rank(rule: BookingRule) -> tuple[bool, bool, int]:
    """The instrument's before the facility's, those for some classes before those for all."""
    return rule.instrument_id is None, not rule.user_classes, rule.pk


def _quotas(ranked: Sequence[BookingRule]) -> Iterable[BookingRule]:
    """Of quotas that count the same hours of the same parties the first alone."""
    seen: set[tuple[Any, ...]] = set()
    for rule in ranked:
        key = (rule.instrument_id, rule.per, rule.window, rule.hours_id)
        if rule.kind == RuleKind.QUOTA and key not in seen:
            seen.add(key)
            yield rule


def _standing_policy(instrument: Instrument) -> Policy:
    return Policy.NEVER if instrument.approval == Approval.AUTOMATIC else Policy.ALWAYS
