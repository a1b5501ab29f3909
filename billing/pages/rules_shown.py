"""A programme's rules in words."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from billing.models import EnterpriseSize, Evidence, ProgrammeTerms
from institutions.models import InstitutionKind, Region
from institutions.templatetags.yitong import money, percent
from instruments.models.instrument import ServiceKind


def rules_shown(terms: ProgrammeTerms) -> list[tuple[str, str]]:
    """(what, how) of everything that a version says, its regions being loaded."""
    return [
        (_("Who may hold vouchers"), _words(terms.holder_kinds, InstitutionKind)),
        (_("Where holders are registered"), _names(terms.holder_regions.all())),
        (_("Where providers are registered"), _names(terms.provider_regions.all())),
        (_("What is paid for"), _words(terms.service_kinds, ServiceKind)),
        (_("Share of the price that is paid"), percent(terms.rate)),
        *_caps(terms),
        (_("Settlement"), str(terms.get_settlement_display())),
        *_conditions(terms),
    ]


def _caps(terms: ProgrammeTerms) -> Iterator[tuple[str, str]]:
    if terms.per_booking_cap is not None:
        yield _("At most for a booking"), money(terms.per_booking_cap)
    if terms.annual_cap is not None:
        counted = f"{money(terms.annual_cap)} · {terms.get_cap_per_display()}"
        yield _("At most in a year"), counted


def _conditions(terms: ProgrammeTerms) -> Iterator[tuple[str, str]]:
    conditions = [
        (terms.cross_city_required, _("Only across cities")),
        (terms.excludes_related_parties, _("Not between related parties")),
        (terms.admitted_only, _("Only admitted providers")),
        (terms.needs_order_number, _("Needs an order number of the official platform")),
    ]
    found = [text for holds, text in conditions if holds]
    if found:
        yield _("Conditions"), " · ".join(found)
    if terms.enterprise_sizes:
        yield _("Enterprise sizes"), _words(terms.enterprise_sizes, EnterpriseSize)
    if terms.claim_within_days is not None:
        days = _("%(days)s days after the use") % {"days": terms.claim_within_days}
        yield _("To claim within"), days
    if terms.evidence:
        yield _("Evidence that a claim needs"), _words(terms.evidence, Evidence)


def _words(values: Iterable[str], choices: Any) -> str:
    labels = dict(choices.choices)
    return " · ".join(str(labels.get(value, value)) for value in values)


def _names(regions: Iterable[Region]) -> str:
    return " · ".join(region.name for region in regions)
