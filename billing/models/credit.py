"""Credit notes: a charge on an issued statement taken back, with a number of their own series."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.charge import Charge
from billing.models.columns import TOO_MUCH, money_column
from billing.models.statement import Statement
from institutions.models import Institution, Membership, Role, User

# What is taken back is exactly what was charged, on the statement that it was charged on.
_AS_ITS_CHARGE = """
    IF NOT EXISTS (
        SELECT FROM billing_charge AS charge
        JOIN billing_statementline AS line ON line.charge_id = charge.id
        JOIN billing_statement AS statement ON statement.id = line.statement_id
        WHERE charge.id = NEW.charge_id
          AND statement.id = NEW.statement_id
          AND statement.state = 'issued'
          AND charge.state = 'void'
          AND (charge.gross, charge.voucher, charge.net) = (NEW.gross, NEW.voucher, NEW.net)
          AND (charge.provider_id, charge.payer_id) = (NEW.provider_id, NEW.payer_id)
    ) THEN
        RAISE EXCEPTION 'credit note % is not what its charge was', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_note_as_its_charge';
    END IF;
    RETURN NEW;
"""


class CreditNoteQuerySet(models.QuerySet["CreditNote"]):
    def visible_to(self, user: User) -> "CreditNoteQuerySet":
        """The billing offices of both parties."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(Q(provider__in=offices) | Q(payer__in=offices))


class CreditNote(models.Model):
    """`gross`, `voucher` and `net` (CNY, positive) are what is no longer owed; `tax` is the VAT
    contained in `gross`. `document` is what was printed; only the free text can be redacted."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    number = models.CharField(_("number"), max_length=40, unique=True)
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="credit_notes")
    charge = models.OneToOneField(Charge, models.PROTECT, related_name="credit_note")
    provider = models.ForeignKey(Institution, models.PROTECT, related_name="credit_notes_made")
    payer = models.ForeignKey(Institution, models.PROTECT, related_name="credit_notes_had")
    gross = money_column(_("gross"))
    voucher = money_column(_("voucher"))
    net = money_column(_("credited"))
    tax = money_column(_("VAT"))
    reason = models.CharField(_("reason"), max_length=500)
    document = models.JSONField(default=dict)
    issued_at = models.DateTimeField(_("issued at"))
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = CreditNoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit note")
        verbose_name_plural = _("credit notes")
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    gross__gte=0,
                    gross__lt=TOO_MUCH,
                    voucher__gte=0,
                    voucher__lte=F("gross"),
                    net__gte=0,
                    net__lte=F("gross"),
                    tax__gte=0,
                    tax__lte=F("gross"),
                ),
                name="credit_note_fits_its_gross",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="credit_note_as_its_charge",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_AS_ITS_CHARGE,
            ),
            pgtrigger.ReadOnly(name="credit_note_append_only", exclude=["reason"]),
            pgtrigger.Protect(name="credit_note_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number
