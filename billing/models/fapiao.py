"""Requests for fapiao: what the invoicing system is asked for, and the number that it gave."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.credit import CreditNote
from billing.models.statement import Statement
from billing.states import FAPIAO_TRANSITIONS, FapiaoState, pairs
from institutions.models import Institution, Membership, Role, User

# What the way through the invoicing system adds; everything else was asked for and stays.
_MOVES = (
    "state",
    "lowered_by",
    "export",
    "number",
    "code",
    "issued_on",
    "recorded_by",
    "recorded_at",
)


# A request is never lowered by more or less than the credit note says.
_WHAT_IS_LEFT = """
    IF NOT EXISTS (
        SELECT FROM billing_fapiaorequest AS asked
        JOIN billing_creditnote AS note ON note.id = asked.lowered_by_id
        WHERE asked.id = NEW.replaces_id
          AND asked.statement_id = NEW.statement_id
          AND note.statement_id = NEW.statement_id
          AND asked.gross - note.gross = NEW.gross
          AND asked.tax - note.tax = NEW.tax
    ) THEN
        RAISE EXCEPTION 'fapiao request % is not what is left of another', NEW.reference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fapiao_replaces_what_was_lowered';
    END IF;
    RETURN NEW;
"""


class FapiaoKind(models.TextChoices):
    ORDINARY = "ordinary", _("Ordinary")
    SPECIAL = "special", _("Special (VAT)")


class BuyerKind(models.TextChoices):
    ENTERPRISE = "enterprise", _("Enterprise")
    OTHER = "other", _("Public institution or other unit")


class FapiaoExportQuerySet(models.QuerySet["FapiaoExport"]):
    def visible_to(self, user: User) -> "FapiaoExportQuerySet":
        """The seller's billing office."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(provider__in=offices)


class FapiaoExport(models.Model):
    """What was given to the invoicing system together. The file can be fetched again."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    provider = models.ForeignKey(Institution, models.PROTECT, related_name="fapiao_exports")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = FapiaoExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("fapiao export")
        verbose_name_plural = _("fapiao exports")
        ordering = ["-id"]
        triggers = [
            pgtrigger.Protect(
                name="fapiao_export_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class FapiaoQuerySet(models.QuerySet["FapiaoRequest"]):
    def visible_to(self, user: User) -> "FapiaoQuerySet":
        """The billing offices of seller and buyer."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(Q(statement__provider__in=offices) | Q(statement__payer__in=offices))


class FapiaoRequest(models.Model):
    """One fapiao for what is left of a statement, or the red letter that takes one back.

    Amounts are CNY and positive, also on a red letter (the one with an `original`): the gross
    price, whatever a voucher pays of it. `after_payment`: exported only once nothing is open.
    A credit note that `lowered_by` names has withdrawn it before it was exported; over what is
    left stands the request that `replaces` it.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="fapiao_requests")
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="red_letters"
    )
    credit_note = models.OneToOneField(
        CreditNote, models.PROTECT, null=True, blank=True, related_name="red_letter"
    )
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    lowered_by = models.OneToOneField(
        CreditNote, models.PROTECT, null=True, blank=True, related_name="lowered_fapiao"
    )
    kind = models.CharField(_("kind of fapiao"), max_length=10, choices=FapiaoKind)
    seller_name = models.CharField(_("seller"), max_length=200)
    seller_tax_number = models.CharField(
        _("seller's tax number"), max_length=20, blank=True, default=""
    )
    buyer_kind = models.CharField(_("kind of buyer"), max_length=10, choices=BuyerKind)
    buyer_name = models.CharField(_("buyer"), max_length=200)
    buyer_tax_number = models.CharField(
        _("buyer's tax number"), max_length=20, blank=True, default=""
    )
    address = models.CharField(_("address"), max_length=300, blank=True, default="")
    phone = models.CharField(_("telephone"), max_length=40, blank=True, default="")
    bank_name = models.CharField(_("bank"), max_length=200, blank=True, default="")
    bank_account = models.CharField(_("bank account"), max_length=40, blank=True, default="")
    gross = money_column(_("gross"))
    net = money_column(_("without VAT"))
    tax = money_column(_("VAT"))
    drawer = models.CharField(_("drawer"), max_length=60, blank=True, default="")
    remarks = models.CharField(_("remarks"), max_length=200, blank=True, default="")
    after_payment = models.BooleanField(_("only after payment"), default=False)
    state = models.CharField(
        _("state"), max_length=12, choices=FapiaoState, default=FapiaoState.REQUESTED
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(_("requested at"))
    export = models.ForeignKey(
        FapiaoExport, models.PROTECT, null=True, blank=True, related_name="requests"
    )
    number = models.CharField(_("fapiao number"), max_length=20, blank=True, default="")
    code = models.CharField(_("fapiao code"), max_length=12, blank=True, default="")
    issued_on = models.DateField(_("issued on"), null=True, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(_("recorded at"), null=True, blank=True)

    objects = FapiaoQuerySet.as_manager()

    class Meta:
        verbose_name = _("fapiao request")
        verbose_name_plural = _("fapiao requests")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["statement"],
                condition=Q(original__isnull=True, state__in=["requested", "exported", "issued"]),
                name="fapiao_one_standing",
            ),
            models.UniqueConstraint(
                fields=["code", "number"], condition=~Q(number=""), name="fapiao_number_once"
            ),
            models.CheckConstraint(
                condition=Q(gross__gt=0, gross__lt=TOO_MUCH, tax__gte=0)
                & Q(gross=F("net") + F("tax")),
                name="fapiao_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(kind="ordinary") | ~Q(buyer_tax_number=""),
                name="fapiao_special_has_tax_number",
            ),
            models.CheckConstraint(
                condition=Q(original__isnull=True, credit_note__isnull=True)
                | Q(original__isnull=False, credit_note__isnull=False),
                name="fapiao_red_letter_has_a_credit_note",
            ),
            models.CheckConstraint(
                condition=Q(lowered_by__isnull=True)
                | Q(state="withdrawn", export__isnull=True, original__isnull=True),
                name="fapiao_lowered_before_its_export",
            ),
            models.CheckConstraint(
                condition=Q(replaces__isnull=True) | Q(original__isnull=True),
                name="fapiao_red_letter_replaces_none",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["issued", "red_lettered"],
                    issued_on__isnull=False,
                    recorded_at__isnull=False,
                    recorded_by__isnull=False,
                )
                & ~Q(number="")
                | ~Q(state__in=["issued", "red_lettered"])
                & Q(number="", code="", issued_on__isnull=True),
                name="fapiao_number_when_issued",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "withdrawn"]) | Q(export__isnull=False),
                name="fapiao_exported_in_an_export",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="fapiao_state_table", field="state", transitions=pairs(FAPIAO_TRANSITIONS)
            ),
            pgtrigger.Protect(
                name="fapiao_starts_requested",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="requested"),
            ),
            pgtrigger.ReadOnly(name="fapiao_says_what_was_asked", exclude=list(_MOVES)),
            pgtrigger.Protect(
                name="fapiao_recorded_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.number <> '' AND (OLD.number, OLD.code, OLD.issued_on) IS DISTINCT FROM"
                    " (NEW.number, NEW.code, NEW.issued_on)"
                ),
            ),
            pgtrigger.Protect(
                name="fapiao_lowered_while_it_waits",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'requested'"
                    " AND OLD.lowered_by_id IS DISTINCT FROM NEW.lowered_by_id"
                ),
            ),
            pgtrigger.Trigger(
                name="fapiao_replaces_what_was_lowered",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__replaces__isnull=False),
                func=_WHAT_IS_LEFT,
            ),
            pgtrigger.Protect(name="fapiao_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_red(self) -> bool:
        """Whether it takes another one back."""
        return self.original_id is not None
