"""A payer's own price on an instrument: proposed by one, approved by another, ended early."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext_lazy as _

from billing.models import ContractPrice
from billing.states import CONTRACT_TRANSITIONS, ContractState
from institutions.history import changed_by
from institutions.models import Institution, User
from instruments.actions.set_tariff import calendar_elsewhere
from instruments.models import Instrument, OpeningCalendar
from instruments.permissions import may_set_prices
from instruments.price_rules import price_refusals
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def propose_contract_price(
    *,
    by: User,
    instrument: Instrument,
    payer: Institution,
    contract_number: str,
    valid_from: date,
    valid_until: date,
    at: datetime,
    **terms: Any,
) -> ContractPrice:
    """A price (`terms`: the columns of `PriceTerms`) that waits for somebody else's word.

    From the first day to the last, of the provider's zone. Raises `NotAllowed`, or `Refused` with
    `tariff_in_the_past`, `ends_before_it_begins`, `own_institution`, `calendar_elsewhere`,
    `contract_overlaps`, or what `price_refusals` finds.
    """
    if not may_set_prices(by, instrument.institution):
        raise NotAllowed
    if valid_until < valid_from:
        raise Refused(
            Refusal("ends_before_it_begins", _("The last day does not lie before the first."))
        )
    price = ContractPrice(
        reference=new_reference("CP"),
        instrument=instrument,
        payer=payer,
        contract_number=contract_number,
        valid=DateRange(valid_from, valid_until + timedelta(days=1)),
        state=ContractState.PROPOSED,
        proposed_by=by,
        proposed_at=at,
        **terms,
    )
    Refused.unless_none(_refusals(price, at=at))
    with as_refusals(), transaction.atomic(), changed_by(by):
        price.save(force_insert=True)
    return price


def _refusals(price: ContractPrice, *, at: datetime) -> Iterator[Refusal]:
    institution = price.instrument.institution
    if price.valid.lower < at.astimezone(ZoneInfo(institution.timezone)).date():
        yield Refusal("tariff_in_the_past", _("A price can change from today on, not before."))
    if price.payer_id == institution.pk:
        yield Refusal(
            "own_institution", _("One's own institution has the internal price, and no contract.")
        )
    yield from price_refusals(price)
    calendars = OpeningCalendar.objects.usable_at(institution)
    if price.regular_hours_id and not calendars.filter(pk=price.regular_hours_id).exists():
        yield calendar_elsewhere()
    if _others(price).exists():
        yield Refusal(
            "contract_overlaps",
            _("Another contract price of this payer is valid on some of these days."),
        )


def _others(price: ContractPrice) -> Any:
    return ContractPrice.objects.filter(
        instrument=price.instrument,
        payer=price.payer,
        state=ContractState.APPROVED,
        valid__overlap=price.valid,
    )


def decide_contract_price(
    *, by: User, price: ContractPrice, approve: bool, at: datetime
) -> ContractPrice:
    """`proposed → approved` or `declined`, by another one of the provider's office than who
    proposed it. What is booked already keeps its price.

    Raises `NotAllowed`, `WrongState`, or `Refused` with `same_person` or `contract_overlaps`.
    Locks the contract price.
    """
    with as_refusals(), transaction.atomic(), changed_by(by):
        price = _locked(price)
        if not may_set_prices(by, price.instrument.institution):
            raise NotAllowed
        if price.state not in CONTRACT_TRANSITIONS:
            raise WrongState(price.state)
        if price.proposed_by_id == by.pk:
            raise Refused(
                Refusal("same_person", _("Somebody else than who proposed it decides on it."))
            )
        price.state = ContractState.APPROVED if approve else ContractState.DECLINED
        price.decided_by, price.decided_at = by, at
        price.save(update_fields=["state", "decided_by", "decided_at"])
    return price


def end_contract_price(
    *, by: User, price: ContractPrice, last_day: date, at: datetime
) -> ContractPrice:
    """An approved one ends earlier, on `last_day`, which is not over yet; what is booked keeps it.

    Raises `NotAllowed`, `WrongState`, or `Refused` with `not_earlier` or `tariff_in_the_past`.
    Locks the contract price.
    """
    with as_refusals(), transaction.atomic(), changed_by(by):
        price = _locked(price)
        institution = price.instrument.institution
        if not may_set_prices(by, institution):
            raise NotAllowed
        if price.state != ContractState.APPROVED:
            raise WrongState(price.state)
        if last_day < at.astimezone(ZoneInfo(institution.timezone)).date():
            raise Refused(
                Refusal("tariff_in_the_past", _("A price can change from today on, not before."))
            )
        if not price.valid.lower <= last_day < price.last_day:
            raise Refused(
                Refusal(
                    "not_earlier",
                    _("The new last day lies before the old one, and not before the first."),
                )
            )
        price.valid = DateRange(price.valid.lower, last_day + timedelta(days=1))
        price.save(update_fields=["valid"])
    return price


def _locked(price: ContractPrice) -> ContractPrice:
    found = ContractPrice.objects.select_related("instrument__institution", "payer")
    return found.select_for_update(no_key=True, of=("self",)).get(pk=price.pk)
