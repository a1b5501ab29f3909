"""From a charge in review to a numbered statement in balanced books."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing import queries
from billing.actions.approve_charge import approve_charge
from billing.actions.dispute_charge import dispute_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.actions.resolve_dispute import adjust_charge, uphold_charge
from billing.models import (
    Account,
    Charge,
    LedgerEntry,
    NumberCounter,
    ProgrammeTerms,
    Redemption,
    Statement,
)
from institutions.models import Role
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL_FIRST = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return terms


def approved(cast: Cast, **fields: object) -> Charge:
    charge = b.used(cast, b.held(cast, **fields))  # type: ignore[arg-type]
    return approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)


def drafted(cast: Cast) -> Statement:
    return draft_statement(
        by=cast.billing_office,
        provider=cast.shanghai_lab,
        payer=cast.suzhou_firm,
        month=MARCH,
        at=APRIL_FIRST,
    )


def issued(cast: Cast) -> Statement:
    return issue_statement(by=cast.billing_office, statement=drafted(cast), at=APRIL_FIRST)


def postings(entry: LedgerEntry) -> list[tuple[str, Decimal]]:
    return list(entry.postings.values_list("account", "amount"))


# --- approving -------------------------------------------------------------------------------


def test_the_providers_billing_office_approves(cast: Cast) -> None:
    charge = approved(cast)
    assert charge.state == "approved"
    assert list(charge.events.values_list("kind", "from_state", "to_state", "by")) == [
        ("charged", "", "in_review", cast.manager.pk),
        ("approved", "in_review", "approved", cast.billing_office.pk),
    ]
    assert not LedgerEntry.objects.exists()


def test_nobody_else_approves(cast: Cast) -> None:
    charge = b.used(cast, b.held(cast))
    for person in (cast.manager, cast.payer_office, cast.researcher, cast.stranger):
        with pytest.raises(NotAllowed):
            approve_charge(by=person, charge=charge, at=APRIL_FIRST)


def test_approving_twice_is_the_wrong_state(cast: Cast) -> None:
    charge = approved(cast)
    with pytest.raises(WrongState):
        approve_charge(by=cast.billing_office, charge=charge, at=APRIL_FIRST)


def test_an_internal_charge_is_transferred_and_in_the_books_at_once(cast: Cast) -> None:
    inside = f.project(cast.shanghai_lab, cast.manager)
    charge = approved(cast, project=inside)
    assert charge.state == "transferred"
    entry = LedgerEntry.objects.get()
    assert (entry.charge, entry.institution, entry.period) == (
        charge,
        cast.shanghai_lab,
        date(2026, 4, 1),
    )
    assert postings(entry) == [("5401", 800), ("6002", -800)]
    assert entry.postings.get(account=Account.INTERNAL_COST).project == inside


# --- drafting --------------------------------------------------------------------------------


def test_a_draft_takes_every_approved_charge_of_the_month(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    on = [
        approved(cast, programme="HU-SU"),
        approved(cast, start=b.NINE + timedelta(days=1), hours=1),
    ]
    b.used(cast, b.held(cast, start=b.NINE + timedelta(days=2)))  # still in review
    approved(cast, start=b.NINE + timedelta(days=40))  # another month
    draft = drafted(cast)
    assert [line.charge for line in draft.lines.all()] == on
    # 3,000 with 6 % in it: 2000 / 1.06 and 1000 / 1.06, each rounded once.
    assert (draft.gross, draft.voucher, draft.net, draft.tax) == (
        3_000,
        1_000,
        2_000,
        Decimal("169.81"),
    )
    assert (draft.state, draft.number) == ("draft", None)


def test_a_month_with_nothing_approved_is_refused(cast: Cast) -> None:
    b.used(cast, b.held(cast))
    with pytest.raises(Refused) as caught:
        drafted(cast)
    assert [refusal.code for refusal in caught.value.refusals] == ["nothing_to_invoice"]


def test_internal_use_is_never_invoiced(cast: Cast) -> None:
    approved(cast, project=f.project(cast.shanghai_lab, cast.manager))
    with pytest.raises(Refused) as caught:
        draft_statement(
            by=cast.billing_office,
            provider=cast.shanghai_lab,
            payer=cast.shanghai_lab,
            month=MARCH,
            at=APRIL_FIRST,
        )
    assert [refusal.code for refusal in caught.value.refusals] == ["statement_to_oneself"]


def test_there_is_one_draft_at_a_time(cast: Cast) -> None:
    approved(cast)
    drafted(cast)
    approved(cast, start=b.NINE + timedelta(days=1))
    with pytest.raises(Refused) as caught:
        drafted(cast)
    assert [refusal.code for refusal in caught.value.refusals] == ["draft_exists"]


def test_what_was_approved_late_goes_on_a_second_statement(cast: Cast) -> None:
    approved(cast)
    issued(cast)
    late = approved(cast, start=b.NINE + timedelta(days=1))
    assert [line.charge for line in drafted(cast).lines.all()] == [late]


def test_only_the_providers_billing_office_drafts_and_issues(cast: Cast) -> None:
    approved(cast)
    for person in (cast.manager, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            draft_statement(
                by=person,
                provider=cast.shanghai_lab,
                payer=cast.suzhou_firm,
                month=MARCH,
                at=APRIL_FIRST,
            )
    draft = drafted(cast)
    for person in (cast.manager, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            issue_statement(by=person, statement=draft, at=APRIL_FIRST)


# --- issuing ---------------------------------------------------------------------------------


def test_an_issued_statement_is_numbered_posted_and_frozen(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = approved(cast, programme="HU-SU")
    statement = issued(cast)
    assert (statement.state, statement.number) == ("issued", "LAB-SH-2026-000001")
    charge.refresh_from_db()
    assert charge.state == "invoiced"
    entry = statement.ledger_entries.get()
    assert postings(entry) == [
        ("1122.01", 1_000),
        ("1122.02", 1_000),
        ("6001", Decimal("-1886.79")),
        ("2221", Decimal("-113.21")),
    ]
    assert entry.postings.get(account="1122.02").region == f.region("320500")
    assert entry.postings.get(account="1122.01").party == cast.suzhou_firm


def test_under_reimbursement_the_payer_owes_the_gross(cast: Cast) -> None:
    terms = b.terms("BACK", settlement="reimburse")
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    approved(cast, programme="BACK")
    entry = issued(cast).ledger_entries.get()
    assert dict(postings(entry))["1122.01"] == 2_000
    assert "1122.02" not in dict(postings(entry))


def test_an_exempt_provider_posts_no_tax(cast: Cast) -> None:
    f.vat_rate(cast.shanghai_lab, Decimal(0))
    approved(cast)
    assert postings(issued(cast).ledger_entries.get()) == [("1122.01", 2_000), ("6001", -2_000)]


def test_the_document_says_what_was_printed_whatever_is_edited_later(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = approved(cast, programme="HU-SU")
    statement = issued(cast)
    cast.shanghai_lab.name_en = "Renamed"
    cast.shanghai_lab.save()
    statement.refresh_from_db()
    document = statement.document
    assert document["number"] == statement.number
    assert document["provider"]["name_en"] == "Institution LAB-SH"
    [line] = document["charges"]
    assert (line["reference"], line["gross"], line["voucher"], line["net"]) == (
        charge.reference,
        "2000.00",
        "1000.00",
        "1000.00",
    )
    assert (line["programme"], line["vat_rate"], line["tax"]) == ("HU-SU", "0.06", "113.21")
    assert line["lines"][0]["amount"] == "2000.00"
    assert cast.researcher.full_name not in str(document)


def test_numbers_have_no_gaps_and_begin_anew_each_year(cast: Cast) -> None:
    numbers = []
    for month in (3, 4, 12):
        start = datetime(2026, month, 2, 1, 0, tzinfo=UTC)
        approved(cast, start=start)
        draft = draft_statement(
            by=cast.billing_office,
            provider=cast.shanghai_lab,
            payer=cast.suzhou_firm,
            month=date(2026, month, 1),
            at=APRIL_FIRST,
        )
        # 2027 has begun in Shanghai, though not yet in UTC.
        at = datetime(2026, 12, 31, 17, 0, tzinfo=UTC) if month == 12 else start
        statement = issue_statement(by=cast.billing_office, statement=draft, at=at)
        numbers.append(statement.number)
    assert numbers == ["LAB-SH-2026-000001", "LAB-SH-2026-000002", "LAB-SH-2027-000001"]


def test_issuing_twice_is_the_wrong_state(cast: Cast) -> None:
    approved(cast)
    statement = issued(cast)
    with pytest.raises(WrongState):
        issue_statement(by=cast.billing_office, statement=statement, at=APRIL_FIRST)
    assert NumberCounter.objects.get().last == 1


def test_a_statement_of_nothing_posts_nothing(cast: Cast) -> None:
    f.reprice(cast.instrument.tariffs, unit_price=0)
    approved(cast)
    assert issued(cast).number == "LAB-SH-2026-000001"
    assert not LedgerEntry.objects.exists()


# --- disputes --------------------------------------------------------------------------------


def test_a_disputed_charge_leaves_its_draft(cast: Cast) -> None:
    disputed = approved(cast)
    approved(cast, start=b.NINE + timedelta(days=1), hours=1)
    draft = drafted(cast)
    dispute_charge(by=cast.payer_office, charge=disputed, reason="too long", at=APRIL_FIRST)
    draft.refresh_from_db()
    assert (draft.gross, draft.lines.count()) == (1_000, 1)


def test_the_last_charge_takes_the_draft_with_it(cast: Cast) -> None:
    disputed = approved(cast)
    drafted(cast)
    dispute_charge(by=cast.researcher, charge=disputed, reason="not me", at=APRIL_FIRST)
    assert not Statement.objects.exists()


def test_only_the_payers_side_disputes_and_only_what_is_not_invoiced(cast: Cast) -> None:
    charge = approved(cast)
    for person in (cast.billing_office, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            dispute_charge(by=person, charge=charge, reason="no", at=APRIL_FIRST)
    issued(cast)
    with pytest.raises(WrongState):
        dispute_charge(by=cast.principal, charge=charge, reason="late", at=APRIL_FIRST)


@pytest.mark.parametrize("state", ["in_review", "approved"])
def test_an_upheld_charge_goes_back_to_where_it_was(cast: Cast, state: str) -> None:
    charge = approved(cast) if state == "approved" else b.used(cast, b.held(cast))
    dispute_charge(by=cast.researcher, charge=charge, reason="why?", at=APRIL_FIRST)
    with pytest.raises(NotAllowed):
        uphold_charge(by=cast.researcher, charge=charge, reason="so", at=APRIL_FIRST)
    upheld = uphold_charge(by=cast.billing_office, charge=charge, reason="so", at=APRIL_FIRST)
    assert upheld.state == state


def test_an_adjustment_replaces_the_charge_and_its_voucher(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = b.used(cast, b.held(cast, programme="HU-SU"))
    dispute_charge(by=cast.researcher, charge=charge, reason="half", at=APRIL_FIRST)
    new = adjust_charge(
        by=cast.billing_office, charge=charge, gross=Decimal(500), reason="ok", at=APRIL_FIRST
    )
    charge.refresh_from_db()
    assert (charge.state, charge.gross) == ("void", 2_000)
    assert (new.adjusts, new.state) == (charge, "in_review")
    assert (new.gross, new.voucher, new.net) == (500, 250, 250)
    assert sorted(Redemption.objects.values_list("state", "captured_amount")) == [
        ("captured", 250),
        ("reversed", 1_000),
    ]
    allotment = cast.suzhou_firm.allotments.get()
    assert (allotment.captured, allotment.available) == (250, 299_750)
    assert allotment.programme.pools.get().committed == 250
    cast.project.refresh_from_db()
    assert (cast.project.held, cast.project.spent) == (0, 250)


def test_an_adjustment_is_never_above_the_charge(cast: Cast, hu_su: ProgrammeTerms) -> None:
    charge = b.used(cast, b.held(cast, programme="HU-SU"))
    dispute_charge(by=cast.researcher, charge=charge, reason="more", at=APRIL_FIRST)
    with pytest.raises(Refused) as caught:
        adjust_charge(
            by=cast.billing_office,
            charge=charge,
            gross=Decimal("2000.01"),
            reason="ok",
            at=APRIL_FIRST,
        )
    [refusal] = caught.value.refusals
    assert refusal.code == "adjustment_above_charge"
    assert refusal.params == {"amount": "2000.01", "gross": "2000.00"}
    charge.refresh_from_db()
    assert charge.state == "disputed"


def test_an_adjustment_to_the_same_price_keeps_the_voucher(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = b.used(cast, b.held(cast, programme="HU-SU"))
    dispute_charge(by=cast.researcher, charge=charge, reason="why?", at=APRIL_FIRST)
    new = adjust_charge(
        by=cast.billing_office, charge=charge, gross=Decimal(2_000), reason="ok", at=APRIL_FIRST
    )
    assert (new.voucher, new.net, new.redemption) == (1_000, 1_000, charge.redemption)


def test_adjusted_to_nothing_gives_everything_back(cast: Cast, hu_su: ProgrammeTerms) -> None:
    charge = b.used(cast, b.held(cast, programme="HU-SU"))
    dispute_charge(by=cast.researcher, charge=charge, reason="broken", at=APRIL_FIRST)
    new = adjust_charge(
        by=cast.billing_office, charge=charge, gross=Decimal(0), reason="ok", at=APRIL_FIRST
    )
    assert (new.gross, new.redemption) == (0, None)
    assert cast.suzhou_firm.allotments.get().available == 300_000
    cast.project.refresh_from_db()
    assert cast.project.spent == 0


def test_who_charged_does_not_adjust(cast: Cast) -> None:
    f.MembershipFactory(user=cast.manager, institution=cast.shanghai_lab, role=Role.BILLING_OFFICER)
    charge = b.used(cast, b.held(cast))
    dispute_charge(by=cast.researcher, charge=charge, reason="half", at=APRIL_FIRST)
    with pytest.raises(Refused) as caught:
        adjust_charge(by=cast.manager, charge=charge, gross=Decimal(1), reason="ok", at=APRIL_FIRST)
    assert [refusal.code for refusal in caught.value.refusals] == ["same_person"]


def test_only_a_disputed_charge_is_resolved(cast: Cast) -> None:
    charge = approved(cast)
    with pytest.raises(WrongState):
        uphold_charge(by=cast.billing_office, charge=charge, reason="so", at=APRIL_FIRST)
    with pytest.raises(WrongState):
        adjust_charge(
            by=cast.billing_office, charge=charge, gross=Decimal(1), reason="so", at=APRIL_FIRST
        )


# --- reading ---------------------------------------------------------------------------------


def test_what_can_be_claimed_is_told_by_programme_and_funding_region(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    approved(cast, programme="HU-SU")
    issued(cast)
    approved(cast, programme="HU-SU", start=b.NINE + timedelta(days=1))
    [row] = queries.claimable(cast.shanghai_lab)
    assert (row["programme"], row["region"], row["settlement"]) == ("HU-SU", "320500", "net")
    assert (row["redemptions"], row["amount"], row["invoiced_amount"]) == (2, 2_000, 1_000)
    assert not queries.claimable(cast.suzhou_firm).exists()


def test_a_reimbursed_voucher_is_the_holders_to_claim(cast: Cast) -> None:
    terms = b.terms("BACK", settlement="reimburse")
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    approved(cast, programme="BACK")
    [row] = queries.claimable(cast.suzhou_firm)
    assert (row["amount"], row["invoiced_amount"]) == (1_000, 0)
    assert not queries.claimable(cast.shanghai_lab).exists()


def test_the_trial_balance_is_equal_at_any_instant(cast: Cast, hu_su: ProgrammeTerms) -> None:
    approved(cast, programme="HU-SU")
    issued(cast)
    balance = queries.trial_balance(cast.shanghai_lab, at=APRIL_FIRST)
    assert balance["debit"] == balance["credit"] == 2_000
    assert [(a["code"], a["debit"], a["credit"]) for a in balance["accounts"]] == [
        ("1122.01", 1_000, 0),
        ("1122.02", 1_000, 0),
        ("2221", 0, Decimal("113.21")),
        ("6001", 0, Decimal("1886.79")),
    ]
    before = queries.trial_balance(cast.shanghai_lab, at=APRIL_FIRST - timedelta(seconds=1))
    assert before == {"accounts": [], "debit": 0, "credit": 0}
    assert queries.trial_balance(cast.suzhou_firm, at=APRIL_FIRST)["debit"] == 0
