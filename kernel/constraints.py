"""Turns what the database refuses into the typed refusals that people and programs understand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, IntegrityError, OperationalError
from django.utils.translation import gettext_lazy as _
from psycopg import errors

from kernel.refusals import Busy, DomainError, Refusal, Refused, SlotTaken

_KNOWN: dict[str, Callable[[], DomainError]] = {
    "occupancy_no_overlap": SlotTaken,
    "allotment_within_cap": lambda: Refused(
        Refusal("allotment_exhausted", _("The voucher allotment is used up."))
    ),
    "allotment_within_groups_cap": lambda: Refused(
        Refusal("allotment_exhausted", _("The voucher allotment is used up."))
    ),
    "pool_within_amount": lambda: Refused(
        Refusal("pool_exhausted", _("The voucher pool of the funding region is used up."))
    ),
    "project_within_budget": lambda: Refused(
        Refusal("budget_exceeded", _("The project's budget does not cover this."))
    ),
    "tariff_no_overlap": lambda: Refused(
        Refusal("tariff_overlaps", _("Another tariff is valid on some of these days."))
    ),
    "consumable_price_no_overlap": lambda: Refused(
        Refusal("tariff_overlaps", _("Another tariff is valid on some of these days."))
    ),
    "consumable_code_once": lambda: Refused(
        Refusal("code_taken", _("There is a consumable with this code already."))
    ),
    "contractprice_no_overlap": lambda: Refused(
        Refusal(
            "contract_overlaps",
            _("Another contract price of this payer is valid on some of these days."),
        )
    ),
    "hour_package_within_minutes": lambda: Refused(
        Refusal("hours_exhausted", _("The hours of this package are used up."))
    ),
    "booking_rule_once": lambda: Refused(
        Refusal("rule_overlaps", _("Another rule for the same is valid on some of these days."))
    ),
    "opening_exception_no_overlap": lambda: Refused(
        Refusal(
            "exception_overlaps",
            _("Another exception stands on some of these days. Remove it first."),
        )
    ),
    "question_use_no_overlap": lambda: Refused(
        Refusal(
            "questions_overlap",
            _("An instrument has other questions on some of these days: end those first."),
        )
    ),
    "join_request_one_open": lambda: Refused(
        Refusal("already_asked", _("You have asked to join this project already."))
    ),
    "redemption_one_active": lambda: Refused(
        Refusal("already_redeemed", _("A voucher already pays for this booking."))
    ),
    "statement_one_draft": lambda: Refused(
        Refusal("draft_exists", _("There is a draft for this payer and month already."))
    ),
    "write_off_one_standing": lambda: Refused(
        Refusal("already_proposed", _("A write-off of this statement is proposed already."))
    ),
    "fapiao_one_standing": lambda: Refused(
        Refusal("already_requested", _("A fapiao for this statement is requested already."))
    ),
    "fapiao_number_once": lambda: Refused(
        Refusal("fapiao_number_taken", _("Another fapiao has this number."))
    ),
    "qualification_request_one_open": lambda: Refused(
        Refusal("already_requested", _("A request of yours for this instrument is open already."))
    ),
    "recognition_one_open": lambda: Refused(
        Refusal("already_recognised", _("This training is recognised already."))
    ),
    "training_within_places": lambda: Refused(
        Refusal("session_full", _("All places of the training are taken."))
    ),
    "training_place_once": lambda: Refused(
        Refusal("already_signed_up", _("This person has a place in the training already."))
    ),
    "violation_once": lambda: Refused(
        Refusal("already_recorded", _("This is recorded for the booking already."))
    ),
    "suspension_rule_no_overlap": lambda: Refused(
        Refusal("rule_overlaps", _("Another rule is in force on some of these days."))
    ),
    "allocation_within_grant": lambda: Refused(
        Refusal("allocation_exhausted", _("The granted time is used up."))
    ),
    "booking_one_standing_per_request": lambda: Refused(
        Refusal("already_scheduled", _("A booking stands for this request already."))
    ),
    "resource_code_once": lambda: Refused(
        Refusal("code_taken", _("There is an accessory with this code already."))
    ),
    "resource_operator_once": lambda: Refused(
        Refusal("operator_exists", _("This person is an operator of the facility already."))
    ),
    "configuration_once": lambda: Refused(
        Refusal("code_taken", _("The instrument has a configuration with this code already."))
    ),
    "billing_programme_code_key": lambda: Refused(
        Refusal("code_taken", _("There is a programme with this code already."))
    ),
    "terms_no_overlap": lambda: Refused(
        Refusal("terms_overlap", _("Another version of the rules is valid on some of these days."))
    ),
    "vat_rate_no_overlap": lambda: Refused(
        Refusal("vat_rate_overlaps", _("Another VAT rate holds on some of these days."))
    ),
    "admission_no_overlap": lambda: Refused(
        Refusal("admission_overlaps", _("This provider is admitted on some of these days already."))
    ),
    "certificate_file_once": lambda: Refused(
        Refusal("already_uploaded", _("This file is there already."))
    ),
    "application_one_open": lambda: Refused(
        Refusal("already_applied", _("An application for this year is open already."))
    ),
    "related_party_once": lambda: Refused(
        Refusal("already_related", _("These two are related parties already."))
    ),
    "group_member_once": lambda: Refused(
        Refusal("already_in_a_group", _("This institution is in a controlling group already."))
    ),
    "charge_one_standing": lambda: Refused(
        Refusal("already_charged", _("This booking is charged already."))
    ),
    "deposit_covers_what_is_held": lambda: Refused(
        Refusal("deposit_too_small", _("The deposit does not cover this."))
    ),
    "deposit_refund_one_open": lambda: Refused(
        Refusal("refund_open", _("A refund of this deposit is asked for already."))
    ),
    "ledger_entry_in_an_open_month": lambda: Refused(
        Refusal("month_closed", _("This month is closed; its books accept reversals only."))
    ),
    "accounting_month_closed_once": lambda: Refused(
        Refusal("month_closed", _("This month is closed; its books accept reversals only."))
    ),
}


def refusal_of(error: DatabaseError) -> DomainError | None:
    """The domain's word for a database error, None for one that is a defect."""
    cause = error.__cause__
    if isinstance(cause, (errors.LockNotAvailable, errors.DeadlockDetected)):
        return Busy()
    if isinstance(cause, errors.IntegrityError):
        known = _KNOWN.get(cause.diag.constraint_name or "")
        return known() if known else None
    return None


@contextmanager
def as_refusals() -> Iterator[None]:
    """Wrap an action's outermost transaction: IntegrityError and lock time-outs become typed."""
    try:
        yield
    except (IntegrityError, OperationalError) as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
