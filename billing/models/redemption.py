"""Voucher money promised to bookings, and what became of it."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.programme import ProgrammeTerms, office_regions
from billing.models.voucher import Allotment, Pool
from billing.states import REDEMPTION_TRANSITIONS, RedemptionState, pairs
from bookings.models import Booking
from institutions.models import Membership, Role, User


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def visible_to(self, user: User) -> "RedemptionQuerySet":
        """The offices of the lead region and of the one that funds, and the books of both
        parties."""
        offices = office_regions(user)
        books = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(
            Q(terms__programme__lead_region__in=offices)
            | Q(pool__funding_region__in=offices)
            | Q(allotment__holder__in=books)
            | Q(booking__instrument__institution__in=books)
        )


class Redemption(models.Model):
    """Voucher money promised to one booking. Amounts never change; the captured one is set once.

    Whoever booked was shown, and agreed to, the most that the payer may owe if the claim is
    rejected (`most_owed`, CNY) and the last day for it (`claim_by`, in the provider's zone).
    """

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="redemptions")
    allotment = models.ForeignKey(Allotment, models.PROTECT, related_name="redemptions")
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="redemptions")
    terms = models.ForeignKey(ProgrammeTerms, models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=RedemptionState)
    held_amount = money_column(_("held"))
    captured_amount = money_column(_("captured"), null=True, default=None)
    created_at = models.DateTimeField(_("created at"))
    most_owed = money_column(_("most that the payer may owe"), null=True, default=None)
    claim_by = models.DateField(_("to claim by"), null=True, default=None)
    consented_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    consented_at = models.DateTimeField(_("consented at"), null=True, default=None)

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=~Q(state__in=["released", "reversed", "rejected"]),
                name="redemption_one_active",
            ),
            models.CheckConstraint(
                condition=Q(held_amount__gt=0, held_amount__lt=TOO_MUCH),
                name="redemption_positive",
            ),
            models.CheckConstraint(
                condition=Q(captured_amount__isnull=True)
                | Q(captured_amount__gte=0, captured_amount__lte=F("held_amount")),
                name="redemption_captures_what_was_held",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["held", "released"], captured_amount__isnull=True)
                | (~Q(state__in=["held", "released"]) & Q(captured_amount__isnull=False)),
                name="redemption_captured_has_amount",
            ),
            models.CheckConstraint(
                condition=Q(
                    consented_by__isnull=True, consented_at__isnull=True, most_owed__isnull=True
                )
                | Q(
                    consented_by__isnull=False,
                    consented_at__isnull=False,
                    most_owed__gte=F("held_amount"),
                    most_owed__lt=TOO_MUCH,
                ),
                name="redemption_says_who_consented",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="redemption_state_table",
                field="state",
                transitions=pairs(REDEMPTION_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="redemption_starts_held",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="held"),
            ),
            pgtrigger.ReadOnly(
                name="redemption_amounts_stay", exclude=["state", "captured_amount"]
            ),
            pgtrigger.Protect(
                name="redemption_captured_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(
                    old__captured_amount__isnull=False,
                    new__captured_amount__df=pgtrigger.F("old__captured_amount"),
                ),
            ),
            pgtrigger.Protect(name="redemption_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.held_amount}"
