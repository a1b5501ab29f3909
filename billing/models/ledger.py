"""Double entry per institution. Rows are only ever added, and every entry sums to zero."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, IntegerField, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from billing.models.charge import Charge
from billing.models.columns import (
    TOO_MUCH,
    money_column,
    only_with_its_parent,
    says_its_transaction,
    written_in_column,
)
from billing.models.credit import CreditNote
from billing.models.deposit_rows import DepositMove
from billing.models.hours import HourPackage
from billing.models.month import BOOKS
from billing.models.statement import Statement
from billing.models.write_off import WriteOff
from institutions.models import Institution, Membership, Project, Region, Role, User

_BALANCED = """
    IF NOT EXISTS (SELECT 1 FROM billing_posting WHERE entry_id = {entry})
       OR (SELECT COALESCE(SUM(amount), 0) FROM billing_posting WHERE entry_id = {entry}) <> 0
    THEN
        RAISE EXCEPTION 'ledger entry % has no postings or does not sum to zero', {entry}
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    RETURN NULL;
"""

# The first document that is posted waits here for whoever is closing a month of these books.
_IN_AN_OPEN_MONTH = f"""
    PERFORM pg_advisory_xact_lock_shared({BOOKS.format(institution="NEW.institution_id")});
    IF NEW.reverses_id IS NULL AND EXISTS (
        SELECT 1 FROM billing_accountingmonth
        WHERE institution_id = NEW.institution_id AND month >= NEW.period
    ) THEN
        RAISE EXCEPTION 'the month % is closed', NEW.period
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_in_an_open_month';
    END IF;
    RETURN NEW;
"""

# What a reversing entry takes back is all of what it points to, side by side.
_AS_WHAT_IT_REVERSES = """
    IF NEW.reverses_id IS NOT NULL AND EXISTS (
        (SELECT account, amount, party_id, region_id, project_id
         FROM billing_posting WHERE entry_id = NEW.id
         EXCEPT ALL
         SELECT account, -amount, party_id, region_id, project_id
         FROM billing_posting WHERE entry_id = NEW.reverses_id)
        UNION ALL
        (SELECT account, -amount, party_id, region_id, project_id
         FROM billing_posting WHERE entry_id = NEW.reverses_id
         EXCEPT ALL
         SELECT account, amount, party_id, region_id, project_id
         FROM billing_posting WHERE entry_id = NEW.id)
    ) THEN
        RAISE EXCEPTION 'ledger entry % does not take back what entry % says',
            NEW.id, NEW.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_takes_back_all';
    END IF;
    RETURN NULL;
"""

# What an entry can come from: one column each, and every entry has exactly one of them.
DOCUMENTS = (
    "charge",
    "credit_note",
    "deposit_move",
    "hour_package",
    "statement",
    "write_off",
)


class Account(models.TextChoices):
    """The chart of accounts, by the codes of the Chinese accounting standards."""

    BANK = "1002", _("Cash at bank")
    RECEIVABLE_PAYERS = "1122.01", _("Receivables from payers")
    RECEIVABLE_REGIONS = "1122.02", _("Receivables from funding regions")
    DEPOSITS = "2203", _("Deposits of payers")
    VAT = "2221", _("VAT payable")
    INTERNAL_COST = "5401", _("Internal cost of projects")
    REVENUE = "6001", _("Revenue from instrument services")
    INTERNAL_REVENUE = "6002", _("Internal revenue of the facility")
    BANK_FEES = "6603", _("Bank and card fees")
    WRITE_OFFS = "6701", _("Write-offs")


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    def visible_to(self, user: User) -> "LedgerEntryQuerySet":
        """The billing offices, each its own books."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        )
        return self.filter(institution__in=offices.values("institution"))


class LedgerEntry(models.Model):
    """One fact in an institution's books, with the document that it came from."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="ledger_entries")
    at = models.DateTimeField(_("at"))
    period = models.DateField(_("month"))
    kind = models.CharField(_("kind"), max_length=30)
    statement = models.ForeignKey(
        Statement, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    charge = models.ForeignKey(
        Charge, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    hour_package = models.ForeignKey(
        HourPackage, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    deposit_move = models.ForeignKey(
        DepositMove, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    credit_note = models.ForeignKey(
        CreditNote, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    write_off = models.ForeignKey(
        WriteOff, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    written_in = written_in_column()

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["id"]
        indexes = [models.Index(fields=["institution", "at"], name="ledger_entry_books")]
        constraints = [
            models.UniqueConstraint(
                fields=["statement", "kind"],
                condition=Q(statement__isnull=False, reverses__isnull=True),
                name="ledger_statement_posted_once",
            ),
            models.UniqueConstraint(
                fields=["charge", "kind"],
                condition=Q(charge__isnull=False, reverses__isnull=True),
                name="ledger_charge_posted_once",
            ),
            models.UniqueConstraint(
                fields=["hour_package"],
                condition=Q(kind="hours_sold", reverses__isnull=True),
                name="ledger_hours_sold_once",
            ),
            models.UniqueConstraint(
                fields=["hour_package"],
                condition=Q(kind="hours_lapsed", reverses__isnull=True),
                name="ledger_hours_lapsed_once",
            ),
            models.UniqueConstraint(
                fields=["credit_note"],
                condition=Q(credit_note__isnull=False, reverses__isnull=True),
                name="ledger_credit_note_posted_once",
            ),
            models.UniqueConstraint(
                fields=["write_off"],
                condition=Q(write_off__isnull=False, reverses__isnull=True),
                name="ledger_write_off_posted_once",
            ),
            models.CheckConstraint(
                condition=Q(period__day=1), name="ledger_entry_period_is_a_month"
            ),
            models.UniqueConstraint(fields=["deposit_move"], name="ledger_deposit_posted_once"),
            models.CheckConstraint(
                condition=Exact(
                    Func(
                        *(F(name) for name in DOCUMENTS),
                        function="num_nonnulls",
                        output_field=IntegerField(),
                    ),
                    1,
                ),
                name="ledger_entry_has_its_document",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="ledger_entry_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            says_its_transaction("ledger_entry_says_its_transaction"),
            pgtrigger.Trigger(
                name="ledger_entry_balanced",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=_BALANCED.format(entry="NEW.id"),
            ),
            pgtrigger.Trigger(
                name="ledger_entry_in_an_open_month",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_IN_AN_OPEN_MONTH,
            ),
            pgtrigger.Trigger(
                name="ledger_entry_takes_back_all",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=_AS_WHAT_IT_REVERSES,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def document(self) -> models.Model:
        """The one document that this entry came from."""
        return getattr(self, self.document_kind)

    @property
    def document_kind(self) -> str:
        """Which of `DOCUMENTS` it came from."""
        return next(name for name in DOCUMENTS if getattr(self, f"{name}_id") is not None)


class Posting(models.Model):
    """One side of an entry: positive is debit, negative is credit, in CNY, never zero."""

    entry = models.ForeignKey(LedgerEntry, models.PROTECT, related_name="postings")
    account = models.CharField(_("account"), max_length=10, choices=Account)
    amount = money_column(_("amount"))
    party = models.ForeignKey(Institution, models.PROTECT, null=True, blank=True, related_name="+")
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, related_name="+")
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering = ["id"]
        indexes = [models.Index(fields=["account", "entry"], name="posting_account")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="posting_not_zero"),
            models.CheckConstraint(
                condition=Q(amount__gt=-TOO_MUCH, amount__lt=TOO_MUCH), name="posting_bounded"
            ),
            models.CheckConstraint(
                condition=Q(account__in=Account.values), name="posting_account_of_the_chart"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="posting_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            only_with_its_parent(
                "posting_with_its_entry", table="billing_ledgerentry", column="entry_id"
            ),
            pgtrigger.Trigger(
                name="posting_keeps_entry_balanced",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=_BALANCED.format(entry="NEW.entry_id"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount}"
