"""What a booking costs in the end, and why."""

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models import charge_guards
from billing.models.columns import (
    TOO_MUCH,
    money_column,
    only_with_its_parent,
    says_its_transaction,
    written_in_column,
)
from billing.models.redemption import Redemption
from billing.states import CHARGE_TRANSITIONS, ChargeState, pairs
from bookings.models import Booking
from institutions.models import Institution, Membership, Project, Role, User


class ChargeKind(models.TextChoices):
    USE = "use", _("Use")
    LATE_CANCELLATION = "late_cancellation", _("Late cancellation")
    NO_SHOW = "no_show", _("No-show")


class ChargeQuerySet(models.QuerySet["Charge"]):
    def visible_to(self, user: User) -> "ChargeQuerySet":
        """The requester's, the project's people's, and those of either party's billing office."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        managed = Membership.objects.filter(user=user, role=Role.FACILITY_MANAGER)
        theirs = Project.objects.bookable_by(user).values("pk")
        borne = apps.get_model("billing", "ChargeAllocation").objects.filter(project__in=theirs)
        return self.filter(
            Q(booking__requester=user)
            | Q(pk__in=borne.values("charge"))
            | Q(payer__in=offices)
            | Q(provider__in=offices)
            | Q(provider__in=managed.values("institution"))
        )


class Charge(models.Model):
    """Money owed for one booking, in CNY, VAT included. Amounts and parties never change.

    `voucher` is what the redemption captured; `net` is what the payer owes the provider:
    gross − voucher under net settlement, gross otherwise. `period` is the first day of the
    accounting month. Where payer and provider are one institution the charge `is_internal`.
    `review_until` is the last day, in the provider's zone, that the payer has for objecting; None:
    it waits until somebody approves it.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="charges")
    kind = models.CharField(_("kind"), max_length=20, choices=ChargeKind)
    project = models.ForeignKey(Project, models.PROTECT, related_name="charges")
    payer = models.ForeignKey(Institution, models.PROTECT, related_name="charges_owed")
    provider = models.ForeignKey(Institution, models.PROTECT, related_name="charges_made")
    redemption = models.ForeignKey(
        Redemption, models.PROTECT, null=True, blank=True, related_name="charges"
    )
    is_internal = models.BooleanField(_("internal transfer"), default=False)
    state = models.CharField(
        _("state"), max_length=12, choices=ChargeState, default=ChargeState.IN_REVIEW
    )
    gross = money_column(_("gross"))
    voucher = money_column(_("voucher"))
    net = money_column(_("owed"))
    settlement = models.CharField(max_length=10, blank=True, default="")
    vat_rate = models.DecimalField(_("VAT rate"), max_digits=4, decimal_places=3)
    period = models.DateField(_("month"))
    price = models.JSONField(default=dict)
    review_until = models.DateField(_("review until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    adjusts = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="adjusted_by"
    )
    written_in = written_in_column()

    objects = ChargeQuerySet.as_manager()

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["provider", "period", "state"], name="charge_month")]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=~Q(state=ChargeState.VOID),
                name="charge_one_standing",
            ),
            models.CheckConstraint(
                condition=Q(
                    gross__gte=0,
                    gross__lt=TOO_MUCH,
                    voucher__gte=0,
                    voucher__lte=F("gross"),
                    net__gte=0,
                ),
                name="charge_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(settlement="net", net=F("gross") - F("voucher"))
                | (~Q(settlement="net") & Q(net=F("gross"))),
                name="charge_net_follows_settlement",
            ),
            models.CheckConstraint(
                condition=Q(is_internal=True, payer=F("provider"), voucher=0)
                | (Q(is_internal=False) & ~Q(payer=F("provider"))),
                name="charge_internal_is_within_one",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["in_review", "disputed", "exception", "void"])
                | Q(is_internal=True, state="transferred")
                | Q(is_internal=False, state__in=["approved", "invoiced"]),
                name="charge_internal_is_transferred",
            ),
            models.CheckConstraint(
                condition=Q(vat_rate__gte=0, vat_rate__lt=1), name="charge_vat_rate_a_share"
            ),
            models.CheckConstraint(condition=Q(period__day=1), name="charge_period_is_a_month"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="charge_state_table", field="state", transitions=pairs(CHARGE_TRANSITIONS)
            ),
            pgtrigger.Protect(
                name="charge_starts_in_a_new_state",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state__in=["in_review", "exception"]),
            ),
            pgtrigger.ReadOnly(name="charge_amounts_stay", exclude=["state"]),
            pgtrigger.Protect(name="charge_never_deleted", operation=pgtrigger.Delete),
            charge_guards.credited_by_a_note("charge_credited_by_a_note"),
            says_its_transaction("charge_says_its_transaction"),
            charge_guards.lines_add_up("charge_lines_add_up", "NEW.id"),
            charge_guards.allocations_add_up("charge_allocations_add_up", "NEW.id"),
        ]

    def __str__(self) -> str:
        return self.reference


class ChargeLine(models.Model):
    """One line of a charge; the lines add up to its gross (a deferred trigger says so)."""

    charge = models.ForeignKey(Charge, models.PROTECT, related_name="lines")
    description = models.CharField(max_length=40)
    quantity = models.DecimalField(max_digits=12, decimal_places=4)
    unit = models.CharField(max_length=16)
    unit_price = money_column()
    amount = money_column()

    class Meta:
        verbose_name = _("charge line")
        verbose_name_plural = _("charge lines")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0, amount__lt=TOO_MUCH), name="charge_line_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(quantity__lt=TOO_MUCH, unit_price__lt=TOO_MUCH),
                name="charge_line_bounded",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="charge_line_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            only_with_its_parent(
                "charge_line_with_its_charge", table="billing_charge", column="charge_id"
            ),
            charge_guards.lines_add_up("charge_line_adds_up", "NEW.charge_id"),
        ]

    def __str__(self) -> str:
        return f"{self.description} {self.amount}"


class ChargeEvent(models.Model):
    """One thing that happened to a charge. Append-only; only its free text can be redacted."""

    charge = models.ForeignKey(Charge, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(_("event"), max_length=30)
    from_state = models.CharField(max_length=12, blank=True, default="")
    to_state = models.CharField(max_length=12, choices=ChargeState)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("charge event")
        verbose_name_plural = _("charge events")
        ordering = ["id"]
        triggers = [
            pgtrigger.ReadOnly(name="charge_event_append_only", exclude=["reason"]),
            pgtrigger.Protect(name="charge_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.kind}"
