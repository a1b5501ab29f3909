"""Money that a payer has paid in advance at a provider, and the credit that he has there."""

from typing import TYPE_CHECKING

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from institutions.models import Institution, Membership, Role

if TYPE_CHECKING:
    from institutions.models import User

_ADDS_UP = """
    SELECT balance, held INTO said_balance, said_held
    FROM billing_depositaccount WHERE id = {account};
    SELECT COALESCE(SUM(amount), 0) INTO moved
    FROM billing_depositmove WHERE account_id = {account};
    SELECT COALESCE(SUM(COALESCE(kept_amount, held_amount)), 0) INTO promised
    FROM billing_deposithold WHERE account_id = {account} AND state IN ('held', 'kept');
    IF (said_balance, said_held) IS DISTINCT FROM (moved, promised) THEN
        RAISE EXCEPTION 'deposit % says % and % held, its rows say % and %',
            {account}, said_balance, said_held, moved, promised
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_adds_up';
    END IF;
    RETURN NULL;
"""


def adds_up(name: str, account: str, operation: pgtrigger.Operation) -> pgtrigger.Trigger:
    """At commit an account says what its moves and holds say."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        timing=pgtrigger.Deferred,
        declare=[
            ("said_balance", "NUMERIC"),
            ("said_held", "NUMERIC"),
            ("moved", "NUMERIC"),
            ("promised", "NUMERIC"),
        ],
        func=_ADDS_UP.format(account=account),
    )


def of_offices(user: "User", path: str = "") -> Q:
    """The billing offices of both parties."""
    offices = Membership.objects.filter(
        user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
    ).values("institution")
    return Q(**{f"{path}provider__in": offices}) | Q(**{f"{path}payer__in": offices})


class DepositAccountQuerySet(models.QuerySet["DepositAccount"]):
    def visible_to(self, user: "User") -> "DepositAccountQuerySet":
        return self.filter(of_offices(user))


@pghistory.track(exclude=["balance", "held", "available"])
class DepositAccount(models.Model):
    """What `payer` has with `provider`, CNY.

    `balance` is the sum of the moves; `held` what bookings and charges that are not invoiced yet
    were promised; `available = balance + credit_limit − held`, never below zero.
    `is_demanded` says whether bookings need cover here; None: as the provider does with everybody.
    """

    provider = models.ForeignKey(Institution, models.PROTECT, related_name="deposits_kept")
    payer = models.ForeignKey(Institution, models.PROTECT, related_name="deposits")
    balance = money_column(_("balance"), editable=False)
    held = money_column(_("held"), editable=False)
    credit_limit = money_column(_("credit limit"))
    available = models.GeneratedField(
        expression=F("balance") + F("credit_limit") - F("held"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("available"),
    )
    is_demanded = models.BooleanField(_("deposit demanded"), null=True, blank=True)

    objects = DepositAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposits")
        ordering = ["provider__code", "payer__code"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "payer"], name="deposit_account_once"),
            models.CheckConstraint(
                condition=~Q(payer=F("provider")), name="deposit_not_with_oneself"
            ),
            models.CheckConstraint(
                condition=Q(
                    balance__gte=0,
                    balance__lt=TOO_MUCH,
                    held__gte=0,
                    held__lt=TOO_MUCH,
                    credit_limit__gte=0,
                    credit_limit__lt=TOO_MUCH,
                ),
                name="deposit_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(held__lte=F("balance") + F("credit_limit")),
                name="deposit_covers_what_is_held",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="deposit_parties_stay", fields=["provider", "payer"]),
            pgtrigger.Protect(name="deposit_never_deleted", operation=pgtrigger.Delete),
            adds_up("deposit_account_adds_up", "NEW.id", pgtrigger.Insert | pgtrigger.Update),
        ]

    def __str__(self) -> str:
        return f"{self.payer} → {self.provider}"
