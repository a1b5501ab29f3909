"""A programme office founds a programme that its region leads, with its first rules."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.set_terms import about_terms, set_terms
from billing.days import day_in
from billing.models import Programme
from billing.models.programme import CODE, RESERVED_CODES
from institutions.history import changed_by
from institutions.models import Region, User
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def found_programme(
    *,
    by: User,
    code: str,
    name_zh: str,
    name_en: str,
    lead_region: Region,
    rules: Mapping[str, Any],
    holder_regions: Collection[Region],
    provider_regions: Collection[Region],
    valid_from: date,
    valid_until: date,
    at: datetime,
) -> Programme:
    """Makes the programme and version 1 of its rules, which are as `set_terms` takes them.

    For the office of `lead_region`. Raises `NotAllowed`, or `Refused` with `code_malformed`,
    `code_reserved`, `code_taken` and every reason that `set_terms` has. Locks the programme.
    """
    if not permissions.may_found_programme(by, lead_region):
        raise NotAllowed
    today = day_in(settings.TIME_ZONE, at)
    # The terms are looked at here as well, so that whoever asks hears everything at once.
    about = about_terms(rules, holder_regions, provider_regions, valid_from, valid_until, today)
    with as_refusals(), transaction.atomic(), changed_by(by):
        Refused.unless_none([*_about_code(code), *about])
        programme = Programme.objects.create(
            code=code, name_zh=name_zh, name_en=name_en, lead_region=lead_region
        )
        set_terms(
            by=by,
            programme=programme,
            rules=rules,
            holder_regions=holder_regions,
            provider_regions=provider_regions,
            valid_from=valid_from,
            valid_until=valid_until,
            at=at,
        )
    return programme


def _about_code(code: str) -> Iterator[Refusal]:
    if not re.fullmatch(CODE, code):
        yield Refusal(
            "code_malformed",
            _("A code has up to 20 letters, digits, hyphens and underscores."),
        )
    elif code.lower() in RESERVED_CODES:
        yield Refusal("code_reserved", _("This word means something else here: choose a code."))
    elif Programme.objects.filter(code__iexact=code).exists():
        yield Refusal("code_taken", _("There is a programme with this code already."))
