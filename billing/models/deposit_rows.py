"""What moves a deposit: payments, draws, refunds, and what bookings hold of it."""

from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.credit import CreditNote
from billing.models.deposit import DepositAccount, adds_up, of_offices
from billing.models.statement import Statement
from billing.states import (
    DEPOSIT_HOLD_TRANSITIONS,
    REFUND_TRANSITIONS,
    DepositHoldState,
    RefundState,
    pairs,
)
from bookings.models import Booking

if TYPE_CHECKING:
    from institutions.models import User

# `kept → released` takes it away with the state: what a released hold had kept is nothing.
_KEPT_ONCE = """
    IF OLD.state <> 'held' AND NEW.state <> 'released'
       AND NEW.kept_amount IS DISTINCT FROM OLD.kept_amount
    THEN
        RAISE EXCEPTION 'what a hold keeps is set once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_hold_kept_once';
    END IF;
    RETURN NEW;
"""

_BETWEEN_NOTHING_AND_ALL = """
    SELECT SUM(amount) INTO moved FROM billing_depositmove WHERE statement_id = NEW.statement_id;
    IF -moved > (SELECT net FROM billing_statement WHERE id = NEW.statement_id) THEN
        RAISE EXCEPTION 'statement % has drawn more than it asks for', NEW.statement_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_draws_what_is_owed';
    END IF;
    IF moved > 0 THEN
        RAISE EXCEPTION 'more is given back than statement % has drawn', NEW.statement_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_gives_back_what_was_drawn';
    END IF;
    RETURN NULL;
"""


class DepositRefundQuerySet(models.QuerySet["DepositRefund"]):
    def visible_to(self, user: "User") -> "DepositRefundQuerySet":
        return self.filter(of_offices(user, "account__"))


class DepositMoveQuerySet(models.QuerySet["DepositMove"]):
    def visible_to(self, user: "User") -> "DepositMoveQuerySet":
        return self.filter(of_offices(user, "account__"))


class DepositRefund(models.Model):
    """What is left is asked back by one, and paid out by another at the provider."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    account = models.ForeignKey(DepositAccount, models.PROTECT, related_name="refunds")
    amount = money_column(_("amount"))
    state = models.CharField(
        _("state"), max_length=10, choices=RefundState, default=RefundState.ASKED
    )
    reason = models.CharField(_("reason"), max_length=500)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    objects = DepositRefundQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund of a deposit")
        verbose_name_plural = _("refunds of deposits")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(state="asked"), name="deposit_refund_one_open"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lt=TOO_MUCH), name="deposit_refund_positive"
            ),
            models.CheckConstraint(
                condition=Q(state="asked", decided_by__isnull=True, decided_at__isnull=True)
                | Q(~Q(state="asked"), decided_by__isnull=False, decided_at__isnull=False),
                name="deposit_refund_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="done", decided_by=F("asked_by")),
                name="deposit_refund_by_two",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="deposit_refund_state_table",
                field="state",
                transitions=pairs(REFUND_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="deposit_refund_starts_asked",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="asked"),
            ),
            pgtrigger.ReadOnly(
                name="deposit_refund_stays", exclude=["state", "decided_by", "decided_at"]
            ),
            pgtrigger.Protect(name="deposit_refund_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference


class DepositKind(models.TextChoices):
    PAID_IN = "paid_in", _("Paid in")
    DRAWN = "drawn", _("Drawn by a statement")
    REFUNDED = "refunded", _("Refunded")
    REVERSED = "reversed", _("Reversed")
    RETURNED = "returned", _("Put back by a credit note")


class DepositMove(models.Model):
    """Money in (positive) or out (negative) of a deposit, CNY. Rows are only ever added."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    account = models.ForeignKey(DepositAccount, models.PROTECT, related_name="moves")
    kind = models.CharField(_("kind"), max_length=10, choices=DepositKind)
    amount = money_column(_("amount"))
    statement = models.ForeignKey(
        Statement, models.PROTECT, null=True, blank=True, related_name="deposit_moves"
    )
    refund = models.OneToOneField(
        DepositRefund, models.PROTECT, null=True, blank=True, related_name="move"
    )
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    credit_note = models.OneToOneField(
        CreditNote, models.PROTECT, null=True, blank=True, related_name="deposit_move"
    )
    bank_reference = models.CharField(_("bank reference"), max_length=100, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    objects = DepositMoveQuerySet.as_manager()

    class Meta:
        verbose_name = _("move of a deposit")
        verbose_name_plural = _("moves of deposits")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=-TOO_MUCH, amount__lt=TOO_MUCH) & ~Q(amount=0),
                name="deposit_move_bounded",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="paid_in",
                    amount__gt=0,
                    statement__isnull=True,
                    refund__isnull=True,
                    reverses__isnull=True,
                )
                | Q(
                    kind="drawn",
                    amount__lt=0,
                    statement__isnull=False,
                    refund__isnull=True,
                    reverses__isnull=True,
                )
                | Q(
                    kind="refunded",
                    amount__lt=0,
                    statement__isnull=True,
                    refund__isnull=False,
                    reverses__isnull=True,
                )
                | Q(~Q(reason=""), kind="reversed", refund__isnull=True, reverses__isnull=False)
                | Q(
                    kind="returned",
                    amount__gt=0,
                    statement__isnull=False,
                    refund__isnull=True,
                    reverses__isnull=True,
                ),
                name="deposit_move_as_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="returned", credit_note__isnull=False)
                | Q(~Q(kind="returned"), credit_note__isnull=True),
                name="deposit_move_returned_by_a_note",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="deposit_move_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            adds_up("deposit_move_adds_up", "NEW.account_id", pgtrigger.Insert),
            pgtrigger.Trigger(
                name="deposit_gives_back_what_was_drawn",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(new__statement__isnull=False),
                declare=[("moved", "NUMERIC")],
                func=_BETWEEN_NOTHING_AND_ALL,
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class DepositHold(models.Model):
    """What one booking was promised: held with it, kept with its charge until a statement draws
    on the deposit. Amounts never change; the kept one is set once, and is never more."""

    account = models.ForeignKey(DepositAccount, models.PROTECT, related_name="holds")
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="deposit_holds")
    state = models.CharField(_("state"), max_length=8, choices=DepositHoldState)
    held_amount = money_column(_("held"))
    kept_amount = money_column(_("kept"), null=True, default=None)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("hold on a deposit")
        verbose_name_plural = _("holds on deposits")
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["account"],
                condition=Q(state__in=["held", "kept"]),
                name="deposit_hold_standing",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(state__in=["held", "kept"]),
                name="deposit_hold_one_standing",
            ),
            models.CheckConstraint(
                condition=Q(held_amount__gt=0, held_amount__lt=TOO_MUCH),
                name="deposit_hold_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["kept", "drawn"],
                    kept_amount__isnull=False,
                    kept_amount__gt=0,
                    kept_amount__lte=F("held_amount"),
                )
                | Q(state__in=["held", "released"], kept_amount__isnull=True),
                name="deposit_hold_keeps_what_was_held",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="deposit_hold_state_table",
                field="state",
                transitions=pairs(DEPOSIT_HOLD_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="deposit_hold_starts_held",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="held"),
            ),
            pgtrigger.ReadOnly(name="deposit_hold_amounts_stay", exclude=["state", "kept_amount"]),
            pgtrigger.Trigger(
                name="deposit_hold_kept_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=_KEPT_ONCE,
            ),
            pgtrigger.Protect(name="deposit_hold_never_deleted", operation=pgtrigger.Delete),
            adds_up("deposit_hold_adds_up", "NEW.account_id", pgtrigger.Insert | pgtrigger.Update),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.held_amount}"
