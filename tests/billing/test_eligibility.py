"""Who is admitted, of what size, by which order, and what a group may use: at hold and before."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.actions.apply_for_allotment import apply_for_allotment
from billing.actions.dispute_charge import dispute_charge
from billing.actions.resolve_dispute import adjust_charge
from billing.models import Admission, Allotment, Pool, ProgrammeTerms, Redemption
from billing.till import Till
from bookings.till import Quote, VoucherAnswer, Wish
from institutions.models import ControllingGroup, GroupMember, Institution, Role
from kernel.periods import Period
from kernel.refusals import Refused
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast
from tests.invariants import money_adds_up

pytestmark = pytest.mark.django_db


def quoted(cast: Cast, *, programme: str = "best", start=b.NINE, **other) -> Quote:  # type: ignore[no-untyped-def]
    period = Period(start, start + timedelta(hours=2))
    wish = Wish(cast.instrument, period, Decimal(1), cast.project, programme)
    [quote] = Till().quotes([replace(wish, **other)], at=f.MONDAY)
    return quote


def answer(cast: Cast, **other) -> VoucherAnswer:  # type: ignore[no-untyped-def]
    [found] = quoted(cast, **other).programmes
    return found


def funded(cast: Cast, **fields) -> ProgrammeTerms:  # type: ignore[no-untyped-def]
    terms = b.terms(**fields)
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return terms


def test_only_an_admitted_provider_is_paid_on_the_days_of_the_admission(cast: Cast) -> None:
    terms = funded(cast, admitted_only=True)
    assert answer(cast).reasons == ("not_admitted",)
    Admission.objects.create(
        programme=terms.programme,
        provider=cast.shanghai_lab,
        valid_from=date(2026, 3, 1),
        valid_until=date(2026, 3, 2),
    )
    assert answer(cast).eligible
    assert answer(cast, start=b.NINE + timedelta(days=1)).reasons == ("not_admitted",)


def test_an_admission_elsewhere_admits_nobody_here(cast: Cast) -> None:
    terms = funded(cast, admitted_only=True)
    other = b.terms("OTHER")
    Admission.objects.create(
        programme=other.programme, provider=cast.shanghai_lab, valid_from=date(2026, 1, 1)
    )
    another = f.InstitutionFactory(kind="university", region=f.region("310110"))
    Admission.objects.create(
        programme=terms.programme, provider=another, valid_from=date(2026, 1, 1)
    )
    [hu_su, _other] = quoted(cast).programmes
    assert hu_su.reasons == ("not_admitted",)


def test_a_size_counts_once_an_office_has_accepted_its_certificate(cast: Cast) -> None:
    terms = funded(cast, enterprise_sizes=["micro", "small"])
    assert answer(cast).reasons == ("size_not_certified",)
    application = apply_for_allotment(
        by=cast.payer_office,
        programme=terms.programme,
        holder=cast.suzhou_firm,
        year=2026,
        amount=Decimal(1_000),
        purpose="x",
        at=f.MONDAY,
    )
    made = p.certificate(cast.payer_office, cast.suzhou_firm, valid_until=date(2026, 3, 2))
    assert answer(cast).reasons == ("size_not_certified",)
    application.certificates.add(made)
    p.check_certificate(by=p.officer("310000"), certificate=made, accepted=True, at=f.MONDAY)
    assert answer(cast).eligible
    assert answer(cast, start=b.NINE + timedelta(days=1)).reasons == ("size_not_certified",)


@pytest.mark.parametrize(("size", "accepted"), [("large", True), ("small", False)])
def test_another_size_and_a_refused_certificate_do_not_count(
    cast: Cast, size: str, accepted: bool
) -> None:
    terms = funded(cast, enterprise_sizes=["micro", "small"])
    application = apply_for_allotment(
        by=cast.payer_office,
        programme=terms.programme,
        holder=cast.suzhou_firm,
        year=2026,
        amount=Decimal(1_000),
        purpose="x",
        at=f.MONDAY,
    )
    made = p.certificate(cast.payer_office, cast.suzhou_firm, size=size)
    application.certificates.add(made)
    p.check_certificate(by=p.officer("310000"), certificate=made, accepted=accepted, at=f.MONDAY)
    assert answer(cast).reasons == ("size_not_certified",)


def test_a_programme_may_ask_for_the_order_number_before_the_service(cast: Cast) -> None:
    funded(cast, needs_order_number=True)
    assert answer(cast).reasons == ("order_number_missing",)
    assert answer(cast, order_number="SH-2026-1").eligible
    named = quoted(cast, programme="HU-SU")
    assert [refusal.code for refusal in named.refusals] == ["order_number_missing"]
    assert quoted(cast, programme="best").refusals == ()
    assert b.held(cast, programme="HU-SU", order_number="SH-2026-1").price["voucher"] == "1000.00"
    with pytest.raises(Refused) as caught:
        b.held(cast, programme="HU-SU")
    assert [refusal.code for refusal in caught.value.refusals] == ["order_number_missing"]


def test_the_order_number_is_told_beside_the_other_reasons(cast: Cast) -> None:
    terms = funded(cast, needs_order_number=True)
    Allotment.objects.filter(programme=terms.programme).delete()
    refusals = quoted(cast, programme="HU-SU").refusals
    assert [refusal.code for refusal in refusals] == [
        "order_number_missing",
        "voucher_not_eligible",
    ]
    assert refusals[1].params["reasons"] == ["no_allotment"]


def test_a_suspended_allotment_holds_nothing_new_and_keeps_what_it_holds(cast: Cast) -> None:
    funded(cast)
    standing = b.held(cast, programme="HU-SU")
    Allotment.objects.update(suspended_at=f.MONDAY)
    assert answer(cast).reasons == ("allotment_suspended",)
    with pytest.raises(Refused) as caught:
        b.held(cast, programme="HU-SU")
    assert caught.value.refusals[0].params["reasons"] == ["allotment_suspended"]
    assert b.used(cast, standing).voucher == 1_000


def sister(cast: Cast, terms: ProgrammeTerms) -> Institution:
    """Another Suzhou firm under the same hand, with an allotment of its own."""
    firm = f.InstitutionFactory(kind="enterprise", region=f.region("320509"))
    group = ControllingGroup.objects.create(name_zh="集团", name_en="Group")
    for one in (cast.suzhou_firm, firm):
        GroupMember.objects.create(group=group, institution=one)
    b.allotment(terms, firm)
    return firm


def test_a_cap_per_group_counts_the_use_of_all_its_members(cast: Cast) -> None:
    terms = funded(cast, cap_per="group", annual_cap=Decimal(1_500))
    firm = sister(cast, terms)
    theirs = f.project(firm, f.person(firm))
    assert b.held(cast, programme="best", project=theirs).price["voucher"] == "1000.00"
    assert answer(cast).amount == 500
    assert b.held(cast, programme="best").price["voucher"] == "500.00"
    assert answer(cast).reasons == ("group_cap_exhausted",)
    money_adds_up()


def test_a_cap_per_holder_does_not_mind_the_group(cast: Cast) -> None:
    terms = funded(cast, annual_cap=Decimal(1_500))
    firm = sister(cast, terms)
    b.held(cast, programme="best", project=f.project(firm, f.person(firm)))
    assert answer(cast).amount == 1_000


def test_two_of_a_group_in_one_call_share_what_is_left(cast: Cast) -> None:
    terms = funded(cast, cap_per="group", annual_cap=Decimal(1_500))
    firm = sister(cast, terms)
    theirs = f.project(firm, f.person(firm))
    bookings = [b.booking(cast, programme="best", project=one) for one in (cast.project, theirs)]
    quotes = Till().hold(bookings, by=None, at=f.MONDAY)
    assert [quote.voucher for quote in quotes] == [1_000, 500]


@pytest.mark.parametrize(("settlement", "net"), [("net", "1000.00"), ("reimburse", "2000.00")])
def test_the_most_that_may_be_owed_and_the_deadline_are_shown_and_agreed_to(
    cast: Cast, settlement: str, net: str
) -> None:
    funded(cast, settlement=settlement, claim_within_days=30)
    shown = quoted(cast).as_dict()
    assert (shown["net"], shown["most_owed"], shown["claim_by"]) == (net, "2000.00", "2026-04-01")
    b.held(cast, programme="best")
    redemption = Redemption.objects.get()
    assert (redemption.most_owed, redemption.claim_by) == (2_000, date(2026, 4, 1))
    assert (redemption.consented_by, redemption.consented_at) == (cast.researcher, f.MONDAY)


def test_the_deadline_counts_from_the_end_of_the_use(cast: Cast) -> None:
    funded(cast, claim_within_days=1)
    late = b.NINE + timedelta(hours=14)  # 23:00 in Shanghai, and two hours long
    assert quoted(cast, start=late).claim_by == date(2026, 3, 4)


def test_without_a_voucher_nothing_is_at_risk(cast: Cast) -> None:
    funded(cast, claim_within_days=30)
    shown = quoted(cast, programme="").as_dict()
    assert (shown["most_owed"], shown["claim_by"]) == ("2000.00", None)


def test_the_facility_does_not_consent_in_the_payers_place(cast: Cast) -> None:
    funded(cast)
    made = b.booking(cast, programme="best")
    Till().hold([made], by=cast.manager, at=f.MONDAY)
    assert Redemption.objects.get().consented_by == cast.researcher


def test_a_principal_consents_himself(cast: Cast) -> None:
    funded(cast)
    made = b.booking(cast, programme="best")
    Till().hold([made], by=cast.principal, at=f.MONDAY)
    assert Redemption.objects.get().consented_by == cast.principal


def test_a_corrected_charge_keeps_the_consent(cast: Cast) -> None:
    funded(cast, claim_within_days=30)
    charge = b.used(cast, b.held(cast, programme="best"))
    dispute_charge(by=cast.researcher, charge=charge, reason="too long", at=f.MONDAY)
    another = f.person(cast.shanghai_lab, Role.BILLING_OFFICER)
    adjust_charge(by=another, charge=charge, gross=Decimal(1_000), reason="half", at=f.MONDAY)
    old, new = Redemption.objects.order_by("pk")
    assert (old.state, new.state) == ("reversed", "captured")
    assert new.consented_by == cast.researcher
    assert (new.most_owed, new.claim_by) == (old.most_owed, date(2026, 4, 1))


def test_more_is_read_only_where_a_programme_asks_for_sizes(
    cast: Cast, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    terms = funded(cast)
    Pool.objects.filter(programme=terms.programme).update(amount=Decimal(5_000))
    quoted(cast)
    with django_assert_num_queries(4):
        quoted(cast)
    terms.enterprise_sizes = ["small"]
    terms.save()
    with django_assert_num_queries(5):
        quoted(cast)
