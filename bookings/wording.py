"""What a booking rule does, in words of the reader's language."""

from datetime import timedelta

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.models import BookingRule, Policy, RuleKind
from bookings.rules.share import as_hours, quota_sentence
from institutions.templatetags.yitong import minutes_long, money
from instruments.models import UserClass


def sentence(rule: BookingRule) -> str:
    """What the rule does, for whom, and on which days."""
    return _joined(what(rule), whom(rule), dates(rule))


def what(rule: BookingRule) -> str:
    """What the rule does. Lengths as people say them, quotas in hours."""
    match rule.kind:
        case RuleKind.LENGTH:
            return _length(rule)
        case RuleKind.QUOTA:
            return _quota(rule)
        case RuleKind.RELEASE:
            return _release(rule)
        case RuleKind.APPROVAL:
            return _approval(rule)
    return _PLAIN[RuleKind(rule.kind)](rule)


def whom(rule: BookingRule) -> str:
    """The classes that it is for; empty where it is for everybody."""
    names = ", ".join(str(UserClass(number).label) for number in rule.user_classes)
    return _("Only for: %(classes)s.") % {"classes": names} if names else ""


def dates(rule: BookingRule) -> str:
    """The first and, where there is one, the last day."""
    if rule.valid.isempty:
        return _("Withdrawn before it began.")
    first, after = rule.valid.lower, rule.valid.upper
    if after is None:
        return _("From %(first)s.") % {"first": first}
    last = after - timedelta(days=1)
    return _("From %(first)s to %(last)s.") % {"first": first, "last": last}


def _joined(*sentences: str) -> str:
    found = ""
    for one in filter(None, sentences):
        template = pgettext("two sentences", "{} {}")
        found = template.format(found, one) if found else one
    return found


_PLAIN = {
    RuleKind.GRANULARITY: lambda rule: (
        _("Start and end fall on steps of %(step)s.") % {"step": minutes_long(rule.least)}
    ),
    RuleKind.LEAD_TIME: lambda rule: (
        _("Book at least %(lead)s ahead.") % {"lead": minutes_long(rule.least)}
    ),
    RuleKind.HORIZON: lambda rule: _("Bookings open %(days)s days ahead.") % {"days": rule.most},
    RuleKind.GAP: lambda rule: (
        _("At least %(gap)s between two bookings of one user on the instrument.")
        % {"gap": minutes_long(rule.least)}
    ),
    RuleKind.PEAK: lambda rule: (
        _("At most %(most)s of peak hours in a booking. Peak hours: %(hours)s.")
        % {"most": minutes_long(rule.most), "hours": _hours(rule)}
    ),
    RuleKind.RESERVED_SHARE: lambda rule: (
        _(
            "%(percent)s %% of the week's opening hours are reserved for enterprises until"
            " %(days)s days before."
        )
        % {"percent": rule.least, "days": rule.most}
    ),
    RuleKind.ALLOWED_HOURS: lambda rule: (
        _("Booked within these hours only: %(hours)s.") % {"hours": _hours(rule)}
    ),
    RuleKind.SIMULTANEOUS: lambda rule: (
        ngettext(
            "At most %(most)s booking of one person at the same time, across the facility.",
            "At most %(most)s bookings of one person at the same time, across the facility.",
            rule.most or 0,
        )
        % {"most": rule.most}
    ),
}


def _hours(rule: BookingRule) -> str:
    # The names of common calendars are in the catalogue of translations.
    return _(rule.hours.name) if rule.hours is not None else ""


def _length(rule: BookingRule) -> str:
    if rule.most is None:
        text = _("A booking takes at least %(least)s.")
    elif rule.least is None:
        text = _("A booking takes at most %(most)s.")
    else:
        text = _("A booking takes %(least)s to %(most)s.")
    return text % {
        "least": minutes_long(rule.least or 0),
        "most": minutes_long(rule.most or 0),
    }


def _quota(rule: BookingRule) -> str:
    text = str(quota_sentence(rule)) % {"limit": as_hours(rule.most or 0)}
    if rule.hours is None:
        return text
    return _joined(text, _("Peak hours: %(hours)s.") % {"hours": _hours(rule)})


def _release(rule: BookingRule) -> str:
    weeks, moment = rule.weeks_ahead or 0, rule.time
    values = {
        "weekday": WEEKDAYS[rule.weekday or 0],
        "time": f"{moment:%H:%M}" if moment else "00:00",
        "weeks": weeks,
    }
    if weeks == 1:
        return _("Next week opens for booking on %(weekday)s at %(time)s.") % values
    return (
        _("The week %(weeks)s weeks ahead opens for booking on %(weekday)s at %(time)s.") % values
    )


def _approval(rule: BookingRule) -> str:
    match rule.policy:
        case Policy.NEVER:
            return _("Bookings approve themselves.")
        case Policy.UNQUALIFIED:
            return _("Those without training may book; a manager approves.")
        case Policy.OUTSIDERS:
            return _("A manager approves bookings of outsiders.")
        case Policy.ABOVE_PRICE:
            return _("A manager approves bookings above %(price)s.") % {"price": money(rule.amount)}
    return _("A manager approves every booking.")
