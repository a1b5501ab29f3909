"""About what others, and the same people, have booked already: quotas, gaps, reserved shares.

Looked at twice: unlocked, for the complete list of refusals, and again by the action that claims
time, under the locks of the rules that count.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings import windows
from bookings.models import BookingRule, QuotaWindow, Share
from bookings.rules.facts import Facts, Taken
from bookings.rules.lengths import Minutes
from instruments.models import UserClass
from kernel.periods import Period, merged, overlap
from kernel.refusals import Refusal

ENTERPRISES = (UserClass.INDUSTRY, UserClass.FOREIGN)
_MINUTE = timedelta(minutes=1)
_TWO = pgettext_lazy("two sentences", "{} {}")
_USED = _("%(used)s h are booked, this adds %(wanted)s h.")
_QUOTAS = {
    (Share.USER, QuotaWindow.WEEK): _("At most %(limit)s h per week for each user."),
    (Share.USER, QuotaWindow.MONTH): _("At most %(limit)s h per month for each user."),
    (Share.PROJECT, QuotaWindow.WEEK): _("At most %(limit)s h per week for each project."),
    (Share.PROJECT, QuotaWindow.MONTH): _("At most %(limit)s h per month for each project."),
    (Share.GROUP, QuotaWindow.WEEK): _("At most %(limit)s h per week for each group."),
    (Share.GROUP, QuotaWindow.MONTH): _("At most %(limit)s h per month for each group."),
    (Share.INSTITUTION, QuotaWindow.WEEK): _(
        "At most %(limit)s h per week for each outside institution."
    ),
    (Share.INSTITUTION, QuotaWindow.MONTH): _(
        "At most %(limit)s h per month for each outside institution."
    ),
}
ONLY_PEAK = _("Only peak hours count.")


def refusals(facts: Facts) -> Iterator[Refusal]:
    """Every reason that lies in what is booked already, in a fixed order."""
    if facts.requester_id is None:
        return
    yield from _gap(facts)
    for rule in facts.terms.quotas:
        yield from _quota(rule, facts)
    yield from _reserved(facts)
    yield from _simultaneous(facts)


def quota_sentence(rule: BookingRule) -> str | Promise:
    """What a quota says, with a place for its `limit` in hours."""
    sentence = _QUOTAS[Share(rule.per), QuotaWindow(rule.window)]
    return format_lazy(_TWO, sentence, ONLY_PEAK) if rule.hours_id else sentence


def as_hours(minutes: float) -> str:
    """`90` → `1.5`: minutes as people say hours."""
    return f"{round(minutes / 60, 2):g}"


def _counted(rule: BookingRule, facts: Facts) -> Iterator[Taken]:
    """The bookings that this rule counts: of its place, its classes and its own days."""
    for one in facts.taken:
        is_here = rule.instrument_id in (None, one.instrument_id)
        if is_here and rule.is_valid_on(one.starts_on) and rule.binds(one.user_class):
            yield one


def _own(facts: Facts, taken: Iterator[Taken]) -> list[Taken]:
    return [one for one in taken if one.requester_id == facts.requester_id]


def _gap(facts: Facts) -> Iterator[Refusal]:
    rule = facts.terms.gap
    if rule is None or rule.least is None:
        return
    near = [
        _distance(one.period, facts.period)
        for one in _own(facts, _counted(rule, facts))
        if one.instrument_id == facts.instrument.pk
    ]
    if near and min(near) < rule.least * _MINUTE:
        yield Refusal(
            "too_close",
            _(
                "Between two bookings of one user lie at least %(limit)s; here it would be"
                " %(value)s."
            ),
            {"rule": rule.pk, "limit": Minutes(rule.least), "value": Minutes(min(near) / _MINUTE)},
        )


def _distance(one: Period, other: Period) -> timedelta:
    """The time between two periods, zero where they touch or overlap."""
    return max(one.start - other.end, other.start - one.end, timedelta())


def _quota(rule: BookingRule, facts: Facts) -> Iterator[Refusal]:
    if rule.most is None or not _has_party(rule, facts):
        return
    mine = [one for one in _counted(rule, facts) if _is_of_party(rule, one, facts)]
    for window in windows.windows_over(facts.period, rule.window, facts.zone):
        hours = [window] if rule.hours is None else facts.hours[rule.hours.pk]
        inside = [part for part in (period.clipped(window) for period in hours) if part]
        wanted = overlap([facts.period], inside) / _MINUTE
        # Each by itself: two seats at the same time are twice the hours.
        used = sum(overlap([one.period], inside) / _MINUTE for one in mine)
        if wanted and used + wanted > rule.most:
            yield Refusal(
                "quota_exceeded",
                format_lazy(_TWO, quota_sentence(rule), _USED),
                {
                    "rule": rule.pk,
                    "per": rule.per,
                    "window": rule.window,
                    "from": window.start.astimezone(facts.zone).isoformat(),
                    "limit": as_hours(rule.most),
                    "used": as_hours(used),
                    "wanted": as_hours(wanted),
                },
            )


def _has_party(rule: BookingRule, facts: Facts) -> bool:
    """Whose hours are counted must be known; the facility's own are no outside institution."""
    if rule.per == Share.USER:
        return True
    if rule.per == Share.INSTITUTION and facts.terms.user_class == UserClass.INTERNAL:
        return False
    return facts.project is not None


def _is_of_party(rule: BookingRule, one: Taken, facts: Facts) -> bool:
    if rule.per == Share.USER or facts.project is None:
        return one.requester_id == facts.requester_id
    match rule.per:
        case Share.PROJECT:
            return one.project_id == facts.project.pk
        case Share.GROUP:
            return one.principal_id == facts.project.principal_id
    return one.institution_id == facts.project.institution_id


def _reserved(facts: Facts) -> Iterator[Refusal]:
    rule, user_class = facts.terms.reserved, facts.terms.user_class
    if rule is None or rule.least is None or user_class is None or user_class in ENTERPRISES:
        return
    if facts.at >= facts.period.start - timedelta(days=rule.most or 0):
        return
    others = [
        one.period
        for one in _counted(rule, facts)
        if one.instrument_id == facts.instrument.pk and one.user_class not in ENTERPRISES
    ]
    for week in windows.windows_over(facts.period, QuotaWindow.WEEK, facts.zone):
        open_minutes = overlap([week], merged(facts.opening)) / _MINUTE
        limit = open_minutes * facts.instrument.capacity * (100 - rule.least) / 100
        used = sum(overlap([period], [week]) / _MINUTE for period in others)
        wanted = overlap([facts.period], [week]) / _MINUTE
        if used + wanted > limit:
            figures = {"limit": limit, "used": used, "wanted": wanted}
            yield Refusal(
                "reserved_for_enterprises",
                _(
                    "%(percent)s %% of the week are reserved for enterprises until %(days)s days"
                    " before. Of %(limit)s h for all others %(used)s h are booked; this adds"
                    " %(wanted)s h."
                ),
                {"rule": rule.pk, "percent": rule.least, "days": rule.most}
                | {name: as_hours(minutes) for name, minutes in figures.items()},
            )


def _simultaneous(facts: Facts) -> Iterator[Refusal]:
    rule = facts.terms.simultaneous
    if rule is None or rule.most is None:
        return
    together = 1 + _most_at_once(_own(facts, _counted(rule, facts)), facts.period)
    if together > rule.most:
        params: dict[str, Any] = {"rule": rule.pk, "limit": rule.most, "value": together}
        yield Refusal(
            "too_many_at_once",
            _(
                "One person books at most %(limit)s instruments for the same time; with this it"
                " would be %(value)s."
            ),
            params,
        )


def _most_at_once(taken: list[Taken], period: Period) -> int:
    """How many of them stand at one moment of `period` at most; those that touch do not meet."""
    parts = [part for part in (one.period.clipped(period) for one in taken) if part]
    return max((sum(p.start <= part.start < p.end for p in parts) for part in parts), default=0)
