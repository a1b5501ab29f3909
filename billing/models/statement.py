"""Statements: what one payer owes one provider for a month, a booking or a contract, numbered and
frozen when issued."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.charge import Charge
from billing.models.columns import TOO_MUCH, money_column
from billing.states import STATEMENT_TRANSITIONS, StatementState, pairs
from institutions.models import Institution, Membership, Role, User

# Draft lines come and go; those of an issued statement are as frozen as the statement.
_ONLY_ON_A_DRAFT = """
    IF EXISTS (
        SELECT 1 FROM billing_statement
        WHERE state <> 'draft' AND id IN ({rows})
    ) THEN
        RAISE EXCEPTION 'the lines of an issued statement stay as they are'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_lines_frozen';
    END IF;
    RETURN {result};
"""

_ONLY_ITS_STATE_MOVES = """
    IF to_jsonb(OLD) - 'state' IS DISTINCT FROM to_jsonb(NEW) - 'state' THEN
        RAISE EXCEPTION 'statement % is issued', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_frozen_when_issued';
    END IF;
    RETURN NEW;
"""


# What was printed and posted is what the charges say, be it written by whatever means.
_AS_ITS_LINES = """
    IF NOT EXISTS (
        SELECT FROM billing_statementline AS line
        JOIN billing_charge AS charge ON charge.id = line.charge_id
        WHERE line.statement_id = NEW.id
        HAVING SUM(charge.gross) = NEW.gross
           AND SUM(charge.voucher) = NEW.voucher
           AND SUM(charge.net) = NEW.net
    ) THEN
        RAISE EXCEPTION 'statement % is not the sum of its lines', NEW.reference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_issued_as_its_lines';
    END IF;
    RETURN NEW;
"""

# What became of it is told by documents, never by a state alone.
_WHEN_NOTHING_IS_LEFT = """
    IF EXISTS (
        SELECT FROM billing_statementline AS line
        JOIN billing_charge AS charge ON charge.id = line.charge_id
        WHERE line.statement_id = NEW.id AND charge.state <> 'void'
    ) THEN
        RAISE EXCEPTION 'statement % has charges that are not credited', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_credited_whole';
    END IF;
    RETURN NEW;
"""

_BY_TWO_PEOPLE = """
    IF NOT EXISTS (
        SELECT FROM billing_writeoff WHERE statement_id = NEW.id AND state = 'confirmed'
    ) THEN
        RAISE EXCEPTION 'nobody has confirmed that statement % is written off', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'statement_written_off_by_two';
    END IF;
    RETURN NEW;
"""


class StatementKind(models.TextChoices):
    MONTHLY = "monthly", _("Monthly")
    BOOKING = "booking", _("One booking")
    CONTRACT = "contract", _("One contract")


class StatementQuerySet(models.QuerySet["Statement"]):
    def visible_to(self, user: User) -> "StatementQuerySet":
        """The provider's billing office sees all of its own, the payer's the issued ones."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
        return self.filter(
            Q(provider__in=offices) | (Q(payer__in=offices) & ~Q(state=StatementState.DRAFT))
        )


class Statement(models.Model):
    """`gross`, `voucher` and `net` are CNY; `tax` is the VAT contained in `gross`.

    `scope` is the booking's reference or the contract's number where it is no monthly one.
    `document` is what was printed at issue, so that nothing edited later changes it; `due_on` is
    the last day for paying, in the provider's zone.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    number = models.CharField(_("number"), max_length=40, unique=True, null=True, blank=True)
    provider = models.ForeignKey(Institution, models.PROTECT, related_name="statements_made")
    payer = models.ForeignKey(Institution, models.PROTECT, related_name="statements_owed")
    kind = models.CharField(
        _("kind"), max_length=10, choices=StatementKind, default=StatementKind.MONTHLY
    )
    scope = models.CharField(_("booking or contract"), max_length=60, blank=True, default="")
    period = models.DateField(_("month"))
    state = models.CharField(
        _("state"), max_length=12, choices=StatementState, default=StatementState.DRAFT
    )
    gross = money_column(_("gross"))
    voucher = money_column(_("voucher"))
    net = money_column(_("owed"))
    tax = money_column(_("VAT"))
    document = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    issued_at = models.DateTimeField(_("issued at"), null=True, blank=True)
    due_on = models.DateField(_("to pay by"), null=True, blank=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = StatementQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(payer=F("provider")), name="statement_not_to_oneself"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", number__isnull=True, issued_at__isnull=True)
                | (~Q(state="draft") & Q(number__isnull=False, issued_at__isnull=False)),
                name="statement_number_when_issued",
            ),
            models.CheckConstraint(
                condition=Q(gross__gte=0, voucher__gte=0, net__gte=0, tax__gte=0),
                name="statement_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    gross__lt=TOO_MUCH,
                    voucher__lte=F("gross"),
                    net__lte=F("gross"),
                    net__gte=F("gross") - F("voucher"),
                    tax__lte=F("gross"),
                ),
                name="statement_fits_its_gross",
            ),
            models.CheckConstraint(condition=Q(period__day=1), name="statement_period_is_a_month"),
            models.UniqueConstraint(
                fields=["provider", "payer", "period", "kind", "scope"],
                condition=Q(state="draft"),
                name="statement_one_draft",
            ),
            models.CheckConstraint(
                condition=Q(kind="monthly", scope="")
                | (Q(kind__in=["booking", "contract"]) & ~Q(scope="")),
                name="statement_kind_has_scope",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", due_on__isnull=True)
                | (~Q(state="draft") & Q(due_on__isnull=False)),
                name="statement_due_when_issued",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="statement_state_table",
                field="state",
                transitions=pairs(STATEMENT_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="statement_starts_as_draft",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="draft"),
            ),
            pgtrigger.Trigger(
                name="statement_issued_as_its_lines",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="draft", new__state="issued"),
                func=_AS_ITS_LINES,
            ),
            # `ReadOnly` would drop a condition of its own, and freeze drafts as well.
            pgtrigger.Trigger(
                name="statement_frozen_when_issued",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state="draft"),
                func=_ONLY_ITS_STATE_MOVES,
            ),
            pgtrigger.Trigger(
                name="statement_credited_whole",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="issued", new__state="credited"),
                func=_WHEN_NOTHING_IS_LEFT,
            ),
            pgtrigger.Trigger(
                name="statement_written_off_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="issued", new__state="written_off"),
                func=_BY_TWO_PEOPLE,
            ),
            pgtrigger.Protect(
                name="statement_issued_never_deleted",
                operation=pgtrigger.Delete,
                condition=~pgtrigger.Q(old__state="draft"),
            ),
        ]

    def __str__(self) -> str:
        return self.number or self.reference


class StatementLine(models.Model):
    """A charge stands on one statement only."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="lines")
    charge = models.OneToOneField(Charge, models.PROTECT, related_name="statement_line")

    class Meta:
        verbose_name = _("statement line")
        verbose_name_plural = _("statement lines")
        ordering = ["id"]
        triggers = [
            pgtrigger.Trigger(
                name="statement_line_added_to_draft",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_ONLY_ON_A_DRAFT.format(rows="NEW.statement_id", result="NEW"),
            ),
            pgtrigger.Protect(name="statement_line_stays", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="statement_line_taken_from_draft",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=_ONLY_ON_A_DRAFT.format(rows="OLD.statement_id", result="OLD"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.charge_id}"
