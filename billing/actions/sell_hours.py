"""Hours are sold ahead, or granted at no price by a funder."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.post_entry import Side, post_entry
from billing.days import day_of
from billing.models import Account, HourKind, HourPackage
from billing.models.columns import TOO_MUCH
from billing.models.hours import MOST_MINUTES
from institutions.history import changed_by
from institutions.models import Institution, Project, User
from institutions.vat import rate_on
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.money import ZERO, rounded
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused

HOURS_SOLD = "hours_sold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Whose hours where: on one instrument or on all of the provider's, for one project or for
    all of the payer's. The days are the first and the last of the provider's zone."""

    provider: Institution
    payer: Institution
    minutes: int
    valid_from: date
    valid_until: date
    project: Project | None = None
    instrument: Instrument | None = None


def sell_hours(*, by: User, hours: Hours, price: Decimal, at: datetime) -> HourPackage:
    """A package of hours for `price` (CNY, VAT included); the payer owes it from now on.

    It has the VAT rate of the day it is sold. Posts DR receivables from payers, CR deposits: it is
    earned as the hours are used. Raises `NotAllowed`, or `Refused` with `own_institution`,
    `price_out_of_range`, or what is wrong with the hours.
    """
    if not permissions.may_sell_hours(by, hours.provider):
        raise NotAllowed
    Refused.unless_none([*_refusals(hours, at=at), *_price_refusals(hours, price)])
    with as_refusals(), transaction.atomic(), changed_by(by):
        made = _made(hours, HourKind.PREPAID, price=rounded(price), by=by, at=at)
        post_entry(
            institution=hours.provider,
            kind=HOURS_SOLD,
            sides=[
                Side(Account.RECEIVABLE_PAYERS, made.price, party=hours.payer),
                Side(Account.DEPOSITS, -made.price, party=hours.payer),
            ],
            hour_package=made,
            by=by,
            at=at,
        )
    return made


def grant_hours(*, by: User, hours: Hours, funder: str, at: datetime) -> HourPackage:
    """Hours at no price; `funder` says who stands for them. Nothing is posted.

    Raises `NotAllowed`, or `Refused` with `no_funder`, or what is wrong with the hours.
    """
    if not permissions.may_sell_hours(by, hours.provider):
        raise NotAllowed
    refusals = list(_refusals(hours, at=at))
    if not funder.strip():
        refusals.append(Refusal("no_funder", _("Hours at no price name who stands for them.")))
    Refused.unless_none(refusals)
    with as_refusals(), transaction.atomic(), changed_by(by):
        return _made(hours, HourKind.GRANTED, funder=funder.strip(), by=by, at=at)


def _made(
    hours: Hours,
    kind: HourKind,
    *,
    price: Decimal = ZERO,
    funder: str = "",
    by: User,
    at: datetime,
) -> HourPackage:
    made = HourPackage.objects.create(
        reference=new_reference("HP"),
        kind=kind,
        provider=hours.provider,
        payer=hours.payer,
        project=hours.project,
        instrument=hours.instrument,
        funder=funder,
        minutes=hours.minutes,
        price=price,
        vat_rate=rate_on(hours.provider, day_of(hours.provider, at)),
        valid=DateRange(hours.valid_from, hours.valid_until + timedelta(days=1)),
        created_by=by,
        created_at=at,
    )
    made.refresh_from_db(fields=["available_minutes"])
    return made


def _refusals(hours: Hours, *, at: datetime) -> Iterator[Refusal]:
    if not 0 < hours.minutes < MOST_MINUTES:
        yield Refusal("no_hours", _("A package has some hours, and not thousands of years."))
    if hours.valid_until < hours.valid_from:
        yield Refusal("ends_before_it_begins", _("The last day does not lie before the first."))
    elif hours.valid_until < at.astimezone(ZoneInfo(hours.provider.timezone)).date():
        yield Refusal("already_over", _("These days are over already."))
    if hours.instrument and hours.instrument.institution_id != hours.provider.pk:
        yield Refusal("instrument_elsewhere", _("This is an instrument of another institution."))
    if hours.project and hours.project.institution_id != hours.payer.pk:
        yield Refusal("project_elsewhere", _("This is a project of another institution."))


def _price_refusals(hours: Hours, price: Decimal) -> Iterator[Refusal]:
    if hours.payer.pk == hours.provider.pk:
        yield Refusal(
            "own_institution",
            _("An institution sells no hours to itself: grant them, and name who stands for them."),
        )
    if not (price.is_finite() and 0 < price < TOO_MUCH):
        yield Refusal(
            "price_out_of_range", _("The price is above ¥0 and at most ¥999,999,999,999.99.")
        )
