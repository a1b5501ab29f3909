"""Vouchers, pools, packages of hours, deposits, budgets, charges, statements and the books."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Sum

from billing.actions.charge_use import promised
from billing.models import (
    Account,
    Allotment,
    Charge,
    ChargeAllocation,
    DepositAccount,
    DepositHold,
    HourDraw,
    HourPackage,
    LedgerEntry,
    Pool,
    Posting,
    Redemption,
    Statement,
)
from billing.models.ledger import DOCUMENTS
from billing.statement_queries import open_amounts
from bookings.models import Booking
from bookings.splitting import shared_out, shares_of
from bookings.states import ACTIVE
from institutions.models import Project


def money_adds_up() -> None:
    """What allotments, pools and projects say is the sum of what bookings were promised."""
    held: dict[int, Decimal] = defaultdict(Decimal)
    captured: dict[int, Decimal] = defaultdict(Decimal)
    committed: dict[int, Decimal] = defaultdict(Decimal)
    for row in Redemption.objects.select_related("booking"):
        if row.state == "held":
            assert row.booking.state in ACTIVE, row.booking
            assert row.held_amount == Decimal(row.booking.price["voucher"]), row.booking
            held[row.allotment_id] += row.held_amount
            committed[row.pool_id] += row.held_amount
        elif row.state == "captured":
            captured[row.allotment_id] += row.captured_amount or 0
            committed[row.pool_id] += row.captured_amount or 0
    for allotment in Allotment.objects.all():
        assert allotment.held == held[allotment.pk], allotment
        assert allotment.captured == captured[allotment.pk], allotment
    for pool in Pool.objects.all():
        assert pool.committed == committed[pool.pk], pool
    packages_add_up()
    books_are_whole()
    projects_add_up()


def projects_add_up() -> None:
    """A project holds its part of what its bookings were promised, and has spent its part of what
    its charges ask for."""
    budgets: dict[int, Decimal] = defaultdict(Decimal)
    spent: dict[int, Decimal] = defaultdict(Decimal)
    for booking in Booking.objects.filter(state__in=ACTIVE).select_related("project"):
        for share, part in shared_out(promised(booking.price), shares_of(booking)):
            budgets[share.project.pk] += part
    for one in ChargeAllocation.objects.exclude(charge__state="void"):
        spent[one.project_id] += one.amount
    for project in Project.objects.all():
        assert project.held == budgets[project.pk], project
        assert project.spent + project.overrun == spent[project.pk], project


def packages_add_up() -> None:
    """A package of hours says what its draws say, and a booking that is over holds none."""
    held: dict[int, int] = defaultdict(int)
    used: dict[int, int] = defaultdict(int)
    for draw in HourDraw.objects.select_related("booking"):
        if draw.state == "held":
            assert draw.booking.state in ACTIVE, draw.booking
            held[draw.package_id] += draw.held_minutes
        elif draw.state == "used":
            used[draw.package_id] += draw.used_minutes or 0
    for package in HourPackage.objects.all():
        said = (package.held_minutes, package.used_minutes)
        assert said == (held[package.pk], used[package.pk]), package
        assert package.lapsed_at is None or not package.held_minutes, package
    hours_are_in_the_books()


def hours_are_in_the_books() -> None:
    """What a payer has paid ahead and not used, of hours as of money, is what the provider's books
    say that he has with it."""
    ahead: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for package in HourPackage.objects.filter(kind="prepaid").prefetch_related("draws"):
        worth = sum(draw.value or 0 for draw in package.draws.all() if draw.state == "used")
        assert worth <= package.price, package
        assert package.lapsed_value in (None, package.price - worth), package
        left = package.price - worth - (package.lapsed_value or 0)
        ahead[package.provider_id, package.payer_id] += left
    for account in DepositAccount.objects.all():
        ahead[account.provider_id, account.payer_id] += account.balance
    found = Posting.objects.filter(account=Account.DEPOSITS).order_by()
    posted = found.values_list("entry__institution", "party").annotate(sum=Sum("amount"))
    for provider, payer, total in posted:
        assert ahead.pop((provider, payer)) == -total, (provider, payer)
    assert not any(ahead.values()), ahead


def books_are_whole() -> None:
    """What is true even between a booking's money and its state: of deposits, charges, statements
    and the ledger."""
    deposits_add_up()
    charges_add_up()
    statements_add_up()
    books_balance()


def deposits_add_up() -> None:
    """An account says what its moves and holds say, covers what it holds, and is in the books of
    the provider with the same sum."""
    for account in DepositAccount.objects.prefetch_related("moves", "holds__booking"):
        assert account.balance == sum(move.amount for move in account.moves.all()), account
        held = Decimal(0)
        for hold in account.holds.all():
            if hold.state == "held":
                assert hold.booking.state in ACTIVE, hold.booking
                held += hold.held_amount
            elif hold.state == "kept":
                held += hold.kept_amount or 0
                _stays_for_a_charge(hold)
        assert account.held == held, account
        assert 0 <= account.held <= account.balance + account.credit_limit, account
        assert account.available == account.balance + account.credit_limit - held, account
        posted = Posting.objects.filter(
            entry__deposit_move__account=account, account=Account.DEPOSITS
        )
        assert account.balance == -(posted.aggregate(sum=Sum("amount"))["sum"] or 0), account


def _stays_for_a_charge(hold: DepositHold) -> None:
    """What is kept is kept for a charge that waits for its statement, and is no more than that."""
    standing = Charge.objects.exclude(state__in=["void", "invoiced", "transferred"])
    charge = standing.get(booking=hold.booking_id)
    assert 0 < (hold.kept_amount or 0) <= charge.net, hold


def charges_add_up() -> None:
    """The lines of a charge are its gross, the parts of the projects what is owed."""
    for charge in Charge.objects.prefetch_related("lines", "allocations"):
        assert charge.gross == sum(line.amount for line in charge.lines.all()), charge
        parts = list(charge.allocations.all())
        assert charge.net == sum(one.amount for one in parts), charge
        assert sum(one.percent for one in parts) == 100, charge
        assert parts[0].project_id == charge.project_id, charge


def statements_add_up() -> None:
    """Numbers have no gap, an issued statement is the sum of its lines, what its document says is
    what its columns say, and nobody has paid more from his deposit than he owes."""
    assert all(amount >= 0 for amount in open_amounts(Statement.objects.all()).values())
    numbers: dict[str, list[int]] = defaultdict(list)
    for statement in Statement.objects.exclude(number=None).prefetch_related("lines__charge"):
        series, _, last = (statement.number or "").rpartition("-")
        numbers[series].append(int(last))
        charges = [line.charge for line in statement.lines.all()]
        for column in ("gross", "voucher", "net"):
            assert getattr(statement, column) == sum(getattr(one, column) for one in charges)
            assert Decimal(statement.document[column]) == getattr(statement, column), statement
    for series, found in numbers.items():
        assert sorted(found) == list(range(1, len(found) + 1)), series


def books_balance() -> None:
    """Every entry, and so every institution's books, sum to zero; each has its document, and a
    reversal takes back all of what it points to."""
    for entry in LedgerEntry.objects.select_related("reverses").prefetch_related(
        "postings", "reverses__postings"
    ):
        postings = list(entry.postings.all())
        assert postings, entry
        assert not sum(one.amount for one in postings), entry
        assert sum(getattr(entry, f"{name}_id") is not None for name in DOCUMENTS) == 1, entry
        if entry.reverses:
            back = sorted((one.account, -one.amount) for one in postings)
            taken = sorted((one.account, one.amount) for one in entry.reverses.postings.all())
            assert back == taken, entry
