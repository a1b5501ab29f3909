"""The office of the lead region gives a programme other rules, from a day on."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.days import day_in
from billing.models import CapPer, Programme, ProgrammeTerms
from institutions.history import changed_by
from institutions.models import Region, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused

# What a version says besides its regions and its days.
RULES = (
    "cross_city_required",
    "holder_kinds",
    "service_kinds",
    "rate",
    "per_booking_cap",
    "annual_cap",
    "cap_per",
    "settlement",
    "excludes_related_parties",
    "admitted_only",
    "enterprise_sizes",
    "needs_order_number",
    "claim_within_days",
    "evidence",
)


def set_terms(
    *,
    by: User,
    programme: Programme,
    rules: Mapping[str, Any],
    holder_regions: Collection[Region],
    provider_regions: Collection[Region],
    valid_from: date,
    valid_until: date,
    at: datetime,
) -> ProgrammeTerms:
    """Adds a version for service that starts from `valid_from` to `valid_until` (both inclusive,
    days of the provider's zone); the version before it ends the day before.

    `rules` are all of `RULES`, amounts in CNY. What bookings were promised stays as it was. Raises
    `NotAllowed`, or `Refused` with every reason. Locks the programme.
    """
    if not permissions.may_lead(by, programme):
        raise NotAllowed
    today = day_in(settings.TIME_ZONE, at)
    with as_refusals(), transaction.atomic(), changed_by(by):
        # Closes the race of two who set rules at once: the second sees the version of the first.
        Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
        last = programme.terms.order_by("version").last()
        Refused.unless_none(
            about_terms(
                rules, holder_regions, provider_regions, valid_from, valid_until, today, last
            )
        )
        if last and last.valid_until >= valid_from:
            last.valid_until = valid_from - timedelta(days=1)
            last.save(update_fields=["valid_until"])
        terms = ProgrammeTerms.objects.create(
            programme=programme,
            version=last.version + 1 if last else 1,
            valid_from=valid_from,
            valid_until=valid_until,
            **{name: rules[name] for name in RULES},
        )
        terms.holder_regions.set(holder_regions)
        terms.provider_regions.set(provider_regions)
    return terms


def about_terms(
    rules: Mapping[str, Any],
    holder_regions: Collection[Region],
    provider_regions: Collection[Region],
    valid_from: date,
    valid_until: date,
    today: date,
    last: ProgrammeTerms | None = None,
) -> list[Refusal]:
    """Every reason why these cannot be the rules that follow on `last`."""
    return [
        *_about_rules(rules, holder_regions, provider_regions),
        *_about_days(valid_from, valid_until, last, today),
    ]


def _about_rules(
    rules: Mapping[str, Any],
    holder_regions: Collection[Region],
    provider_regions: Collection[Region],
) -> Iterator[Refusal]:
    if not 0 < rules["rate"] <= 1:
        yield Refusal("rate_not_a_share", _("The rate is above 0 % and at most 100 %."))
    caps: list[Decimal | None] = [rules["per_booking_cap"], rules["annual_cap"]]
    if any(cap is not None and cap <= 0 for cap in caps):
        yield Refusal("cap_not_positive", _("The cap is above zero."))
    if rules["cap_per"] == CapPer.GROUP and rules["annual_cap"] is None:
        yield Refusal("group_without_cap", _("Name the yearly cap that a group shares."))
    if not (holder_regions and provider_regions and rules["holder_kinds"]):
        yield Refusal("nobody_eligible", _("Name regions of holders and providers, and kinds."))
    elif not rules["service_kinds"]:
        yield Refusal("nothing_eligible", _("Name at least one kind of service."))


def _about_days(
    valid_from: date, valid_until: date, last: ProgrammeTerms | None, today: date
) -> Iterator[Refusal]:
    if valid_until < valid_from:
        yield Refusal("dates_out_of_order", _("The rules end before they begin."))
    if valid_from < today:
        yield Refusal("in_the_past", _("Rules change from today on, not before."))
    if last and valid_from <= last.valid_from:
        yield Refusal(
            "terms_overlap",
            _("Another version of the rules begins on %(day)s: choose a later day."),
            {"day": last.valid_from.isoformat()},
        )
