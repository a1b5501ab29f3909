"""The kinds of booking rules, and which columns each of them fills: one table for database,
form and API."""

from typing import NamedTuple

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import CheckConstraint, F, Func, Q
from django.utils.translation import gettext_lazy as _

from instruments.models import UserClass


class RuleKind(models.TextChoices):
    GRANULARITY = "granularity", _("Steps")
    LENGTH = "length", _("Length")
    LEAD_TIME = "lead_time", _("Lead time")
    HORIZON = "horizon", _("Horizon")
    RELEASE = "release", _("Release at fixed moments")
    GAP = "gap", _("Gap between bookings")
    QUOTA = "quota", _("Quota of hours")
    PEAK = "peak", _("Peak hours")
    RESERVED_SHARE = "reserved_share", _("Share for enterprises")
    ALLOWED_HOURS = "allowed_hours", _("Allowed hours")
    APPROVAL = "approval", _("Approval")
    SIMULTANEOUS = "simultaneous", _("Bookings at the same time")


class QuotaWindow(models.TextChoices):
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")


class Share(models.TextChoices):
    """Whose hours a quota counts. A group is all projects of one principal."""

    USER = "user", _("Each user")
    PROJECT = "project", _("Each project")
    GROUP = "group", _("Each group (all projects of one principal)")
    INSTITUTION = "institution", _("Each outside institution")


class Policy(models.TextChoices):
    NEVER = "never", _("Never")
    UNQUALIFIED = "unqualified", _("For those without training")
    OUTSIDERS = "outsiders", _("For outsiders")
    ALWAYS = "always", _("Always")
    ABOVE_PRICE = "above_price", _("Above a price")


class Shape(NamedTuple):
    """`needs` is filled, `may` can be, every other column stays empty."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


# `least` and `most` are minutes; days for a horizon, a count for simultaneous bookings; of a
# reserved share `least` is its percent and `most` the days before which it falls.
SHAPES: dict[RuleKind, Shape] = {
    RuleKind.GRANULARITY: Shape(("least",)),
    RuleKind.LENGTH: Shape((), ("least", "most")),
    RuleKind.LEAD_TIME: Shape(("least",)),
    RuleKind.HORIZON: Shape(("most",)),
    RuleKind.RELEASE: Shape(("weekday", "time", "weeks_ahead")),
    RuleKind.GAP: Shape(("least",)),
    RuleKind.QUOTA: Shape(("most", "window", "per"), ("hours",)),
    RuleKind.PEAK: Shape(("most", "hours")),
    RuleKind.RESERVED_SHARE: Shape(("least", "most")),
    RuleKind.ALLOWED_HOURS: Shape(("hours",)),
    RuleKind.APPROVAL: Shape(("policy",), ("amount",)),
    RuleKind.SIMULTANEOUS: Shape(("most",)),
}
_WORDS = ("window", "per", "policy")
COLUMNS = (
    "least",
    "most",
    "amount",
    "window",
    "per",
    "hours",
    "policy",
    "weekday",
    "time",
    "weeks_ahead",
)
# Those that look at other bookings: what they allow is counted under a lock.
COUNTING = (RuleKind.GAP, RuleKind.QUOTA, RuleKind.RESERVED_SHARE, RuleKind.SIMULTANEOUS)
# Larger than any length in minutes that is meant; also what a form accepts.
LARGEST = 1_000_000
MOST_AMOUNT = 10**10
DAY_MINUTES = 24 * 60


def is_empty(column: str) -> Q:
    return Q(**{column: ""}) if column in _WORDS else Q(**{f"{column}__isnull": True})


def _filled(kind: RuleKind, shape: Shape) -> Q:
    condition = Q(kind=kind.value)
    for column in COLUMNS:
        if column in shape.needs:
            condition &= ~is_empty(column)
        elif column not in shape.may:
            condition &= is_empty(column)
    return condition


def columns() -> CheckConstraint:
    """Each kind fills its columns and no other."""
    condition = Q()
    for kind, shape in SHAPES.items():
        condition |= _filled(kind, shape)
    return CheckConstraint(condition=condition, name="booking_rule_columns")


def figures() -> list[CheckConstraint]:
    """What the numbers of a kind may be."""
    positive = Q(least__isnull=True) | Q(least__gte=1, least__lte=LARGEST)
    most = Q(most__isnull=True) | Q(most__lte=LARGEST)
    kind = {k.name: Q(kind=k.value) for k in RuleKind}
    return [
        CheckConstraint(condition=positive & most, name="booking_rule_figures"),
        CheckConstraint(
            condition=~kind["GRANULARITY"] | Q(least__lte=DAY_MINUTES), name="booking_rule_step"
        ),
        CheckConstraint(
            condition=~kind["LENGTH"]
            | Q(least__isnull=False, most__isnull=True)
            | Q(least__isnull=True, most__isnull=False, most__gte=1)
            | Q(least__isnull=False, most__isnull=False, most__gte=F("least")),
            name="booking_rule_length_in_order",
        ),
        CheckConstraint(
            condition=Q(most__gte=1)
            | Q(most__isnull=True)
            | Q(kind__in=[RuleKind.QUOTA, RuleKind.HORIZON, RuleKind.RESERVED_SHARE]),
            name="booking_rule_most_positive",
        ),
        CheckConstraint(
            condition=~kind["RESERVED_SHARE"] | Q(least__lte=100, user_classes=[]),
            name="booking_rule_share",
        ),
        CheckConstraint(
            condition=~kind["APPROVAL"]
            | Q(
                policy=Policy.ABOVE_PRICE,
                amount__isnull=False,
                amount__gte=0,
                amount__lt=MOST_AMOUNT,
            )
            | (~Q(policy=Policy.ABOVE_PRICE) & Q(amount__isnull=True)),
            name="booking_rule_amount",
        ),
        CheckConstraint(
            condition=~kind["SIMULTANEOUS"] | Q(instrument__isnull=True),
            name="booking_rule_across_the_facility",
        ),
        CheckConstraint(
            condition=(Q(weekday__isnull=True) | Q(weekday__lte=6))
            & (Q(weeks_ahead__isnull=True) | Q(weeks_ahead__gte=1, weeks_ahead__lte=52)),
            name="booking_rule_moment",
        ),
        CheckConstraint(
            condition=Q(user_classes__contained_by=UserClass.values),
            name="booking_rule_classes_known",
        ),
        CheckConstraint(
            condition=Q(window__in=["", *QuotaWindow.values])
            & Q(per__in=["", *Share.values])
            & Q(policy__in=["", *Policy.values]),
            name="booking_rule_words_known",
        ),
        CheckConstraint(
            condition=Q(valid__isempty=True) | Q(valid__startswith__isnull=False),
            name="booking_rule_valid_begins",
        ),
    ]


def _lone(column: str) -> Func:
    """A key as a range of one: GiST compares those without an extension."""
    template = f"int8range(COALESCE({column}, 0), COALESCE({column}, 0), '[]')"
    return Func(template=template, output_field=BigIntegerRangeField())


def _place(column: str, values: list[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f'COALESCE(array_position(ARRAY[{listed}], "{column}"::text), 0)'


def _what() -> Func:
    """What is ruled, as one number: the kind, and of a quota whose hours in which window."""
    parts = (
        _place("kind", RuleKind.values),
        _place("per", Share.values),
        _place("window", QuotaWindow.values),
    )
    number = f"{parts[0]} * 100 + {parts[1]} * 10 + {parts[2]}"
    return Func(template=f"int4range({number}, {number}, '[]')", output_field=IntegerRangeField())


def _classes() -> Func:
    """The classes as a set of numbers, 0 standing for a rule for everybody: two sets that share
    a class overlap, while a rule for some stands beside one for everybody."""
    members = ["CASE WHEN cardinality(user_classes) = 0 THEN int4range(0, 1) ELSE 'empty' END"]
    members += [
        f"CASE WHEN {number} = ANY(user_classes) THEN int4range({number}, {number + 1})"
        " ELSE 'empty' END"
        for number in UserClass.values
    ]
    return Func(template=f"int4multirange({', '.join(members)})", output_field=IntegerRangeField())


def only_one() -> ExclusionConstraint:
    """On no day two rules between which nobody could choose. Quotas that count other hours, for
    other parties or in another window, stand beside each other."""
    overlapping: list[Func | str] = [
        _lone("institution_id"),
        _lone("instrument_id"),
        _what(),
        _lone("CASE WHEN kind = 'quota' THEN hours_id END"),
        _classes(),
        "valid",
    ]
    return ExclusionConstraint(
        name="booking_rule_once",
        expressions=[(expression, RangeOperators.OVERLAPS) for expression in overlapping],
    )
