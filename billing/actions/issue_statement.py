"""Number a statement, freeze it and put it into the books."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.actions.draft_statement import total
from billing.actions.hold_deposits import draw_deposit, lock_deposit_of
from billing.actions.move_charge import lock_charges, move_charges
from billing.actions.post_entry import Side, lock_books, post_entry
from billing.days import day_of
from billing.documents import statement_document
from billing.models import Account, Charge, NumberCounter, Settlement, Statement
from billing.states import ChargeState, StatementState
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.money import ZERO, net_of_tax
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def issue_statement(*, by: User, statement: Statement, at: datetime) -> Statement:
    """`draft → issued`: the next gapless number of the year, the document frozen, posted.

    The year is that of `at` in the provider's zone. Raises `NotAllowed`, `WrongState` for one
    that is issued already, `Refused('charge_not_approved')`. Locks statement, charges by id, and
    last the number counter: two who issue at once wait for each other, and no number is lost.
    """
    with as_refusals(), transaction.atomic():
        statement = lock_statement(statement)
        if not permissions.may_issue_statement(by, statement):
            raise NotAllowed
        if statement.state != StatementState.DRAFT:
            raise WrongState(statement.state)
        charges = lock_charges(statement.lines.values_list("charge", flat=True))
        _refuse_unless_approved(charges)
        prefetch_related_objects(
            charges, "lines", "booking__instrument", "redemption__terms__programme",
            "redemption__pool",
        )  # fmt: skip
        move_charges(charges, ChargeState.INVOICED, by=by, at=at)
        total(statement, charges)
        deposit = lock_deposit_of(statement)
        lock_books(statement.provider)
        statement.number = _next_number(statement.provider, at)
        statement.state = StatementState.ISSUED
        statement.issued_at, statement.issued_by = at, by
        statement.document = statement_document(statement, charges)
        statement.save()
        post_entry(
            institution=statement.provider,
            kind="statement_issued",
            sides=list(_sides(statement, charges)),
            statement=statement,
            by=by,
            at=at,
        )
        if deposit:
            draw_deposit(deposit, statement, charges, by=by, at=at)
    return statement


def lock_statement(statement: Statement) -> Statement:
    """Read again under its lock, which comes before those of its charges."""
    return (
        Statement.objects.select_related("provider", "payer")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=statement.pk)
    )


def _refuse_unless_approved(charges: Sequence[Charge]) -> None:
    wrong = [charge.reference for charge in charges if charge.state != ChargeState.APPROVED]
    if wrong or not charges:
        raise Refused(
            Refusal(
                "charge_not_approved",
                _("Every charge on a statement is approved first."),
                {"charges": wrong},
            )
        )


def _next_number(provider: Institution, at: datetime) -> str:
    """`FDU-2026-000123`. The counter's lock is held until the commit, so a rollback leaves no
    gap; it is the last lock of all."""
    year = day_of(provider, at).year
    NumberCounter.objects.bulk_create(
        [NumberCounter(institution=provider, year=year)], ignore_conflicts=True
    )
    counter = NumberCounter.objects.select_for_update(no_key=True).get(
        institution=provider, year=year
    )
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{provider.code}-{year}-{counter.last:06}"


def _sides(statement: Statement, charges: Sequence[Charge]) -> Iterator[Side]:
    """Debit what payer and funding regions owe; credit revenue and the VAT contained in it."""
    by_region: dict[int, Decimal] = defaultdict(Decimal)
    revenue = tax = ZERO
    for charge in charges:
        without, contained = net_of_tax(charge.gross, charge.vat_rate)
        revenue, tax = revenue + without, tax + contained
        if charge.settlement == Settlement.NET and charge.redemption:
            by_region[charge.redemption.pool.funding_region_id] += charge.voucher
    yield Side(Account.RECEIVABLE_PAYERS, statement.net, party=statement.payer)
    for region_id, amount in sorted(by_region.items()):
        yield Side(Account.RECEIVABLE_REGIONS, amount, party=statement.payer, region_id=region_id)
    yield Side(Account.REVENUE, -revenue, party=statement.payer)
    yield Side(Account.VAT, -tax, party=statement.payer)
