"""Holding, capturing and giving back: the money of one booking from end to end."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from billing.actions.funds import move_allotments
from billing.models import Charge, Pool, ProgrammeTerms, Redemption
from billing.till import Till
from bookings.models import Booking
from bookings.till import Wish
from institutions.models import RelatedParty
from instruments.models import Tariff
from kernel.periods import Period
from kernel.refusals import Malformed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def hu_su(cast: Cast) -> ProgrammeTerms:
    """Half the price across the two cities; the Suzhou firm has ¥300,000 of it."""
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    return terms


def wish(cast: Cast, *, hours: int = 2, programme: str = "", **fields: object) -> Wish:
    period = Period(b.NINE, b.NINE + timedelta(hours=hours))
    values = {"quantity": Decimal(1), "project": cast.project} | fields
    return Wish(cast.instrument, period, programme=programme, **values)  # type: ignore[arg-type]


def figures(booking: Booking) -> tuple[str, str, str]:
    return booking.price["gross"], booking.price["voucher"], booking.price["net"]


def left(cast: Cast) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Of the firm's only allotment (held, captured, available), and what the pool committed."""
    allotment = cast.suzhou_firm.allotments.get()
    return allotment.held, allotment.captured, allotment.available, Pool.objects.get().committed


# --- quotes ----------------------------------------------------------------------------------


def test_an_enterprise_from_elsewhere_is_quoted_the_industry_price(cast: Cast) -> None:
    [quote] = Till().quotes([wish(cast)], at=f.MONDAY)
    assert (quote.gross, quote.voucher, quote.net) == (2000, 0, 2000)
    assert quote.refusals == ()


def test_a_university_pays_the_academic_price_and_the_owner_the_internal_one(cast: Cast) -> None:
    other = f.InstitutionFactory(kind="university")
    inside = f.project(cast.shanghai_lab, cast.manager)
    outside = f.project(other, f.person(other))
    quotes = Till().quotes([wish(cast, project=outside), wish(cast, project=inside)], at=f.MONDAY)
    assert [quote.gross for quote in quotes] == [1200, 800]


def test_without_a_project_it_is_the_industry_price_and_no_programme(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    [quote] = Till().quotes([wish(cast, project=None)], at=f.MONDAY)
    assert (quote.gross, quote.net, quote.programmes, quote.programme) == (2000, 2000, (), None)


def test_every_programme_answers_even_where_none_was_asked_for(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    b.terms("OTHER", holders=["330100"])
    [quote] = Till().quotes([wish(cast)], at=f.MONDAY)
    assert [(a.programme, a.amount, a.reasons) for a in quote.programmes] == [
        ("HU-SU", 1000, ()),
        ("OTHER", 0, ("holder_not_in_region", "no_allotment", "no_pool")),
    ]
    assert (quote.programme, quote.net) == (None, 2000)


def test_best_takes_the_one_that_pays_most(cast: Cast, hu_su: ProgrammeTerms) -> None:
    small = b.terms("A-SMALL", rate=Decimal("0.3"), settlement="reimburse")
    b.pool(small)
    b.allotment(small, cast.suzhou_firm)
    [quote] = Till().quotes([wish(cast, programme="best")], at=f.MONDAY)
    assert (quote.programme, quote.voucher, quote.settlement) == ("HU-SU", 1000, "net")


def test_best_without_any_is_the_full_price_and_no_refusal(cast: Cast) -> None:
    b.terms()
    [quote] = Till().quotes([wish(cast, programme="best")], at=f.MONDAY)
    assert (quote.programme, quote.voucher, quote.net, quote.refusals) == (None, 0, 2000, ())


def test_under_reimbursement_the_payer_owes_all_of_it(cast: Cast) -> None:
    terms = b.terms("BACK", settlement="reimburse")
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    [quote] = Till().quotes([wish(cast, programme="BACK")], at=f.MONDAY)
    assert (quote.gross, quote.voucher, quote.net) == (2000, 1000, 2000)


def test_a_named_programme_that_pays_nothing_is_refused_with_its_reasons(cast: Cast) -> None:
    b.terms()
    [quote] = Till().quotes([wish(cast, programme="HU-SU")], at=f.MONDAY)
    assert (quote.voucher, quote.net) == (0, 2000)
    [refusal] = quote.refusals
    assert refusal.code == "voucher_not_eligible"
    assert refusal.params == {"programme": "HU-SU", "reasons": ["no_allotment", "no_pool"]}


def test_a_programme_that_nobody_knows_is_malformed(cast: Cast) -> None:
    with pytest.raises(Malformed) as caught:
        Till().quotes([wish(cast, programme="NONE")], at=f.MONDAY)
    assert list(caught.value.errors) == ["programme"]


def test_no_tariff_on_that_day_is_a_refusal(cast: Cast) -> None:
    Tariff.objects.update(valid=(date(2025, 1, 1), date(2026, 3, 2)))
    [quote] = Till().quotes([wish(cast)], at=f.MONDAY)
    assert [refusal.code for refusal in quote.refusals] == ["no_tariff"]


def test_the_tariff_is_that_of_the_start_in_the_providers_zone(cast: Cast) -> None:
    # 23:30 UTC on the 1st is 07:30 on the 2nd in Shanghai.
    Tariff.objects.filter(user_class=3).update(valid=(date(2026, 3, 2), None))
    period = Period(
        datetime(2026, 3, 1, 23, 30, tzinfo=UTC), datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    )
    one = Wish(cast.instrument, period, Decimal(1), cast.project)
    assert Till().quotes([one], at=f.MONDAY)[0].gross == 1000


def test_the_money_is_that_of_the_year_of_the_start_in_the_providers_zone(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    # 2027 has begun in Shanghai, though not yet in UTC.
    b.pool(hu_su, year=2027)
    next_year = b.allotment(hu_su, cast.suzhou_firm, year=2027)
    booking = b.held(
        cast, start=datetime(2026, 12, 31, 17, 0, tzinfo=UTC), hours=1, programme="HU-SU"
    )
    assert Redemption.objects.get(booking=booking).allotment == next_year


def test_a_budget_that_does_not_cover_it_is_a_refusal_in_preview_and_hold(cast: Cast) -> None:
    cast.project.budget = Decimal(1_999)
    cast.project.save()
    [quote] = Till().quotes([wish(cast)], at=f.MONDAY)
    with pytest.raises(Refused) as caught:
        b.held(cast)
    assert quote.refusals == tuple(caught.value.refusals)
    assert quote.refusals[0].params == {"left": "1999.00", "needed": "2000.00"}


def test_related_parties_are_looked_up_both_ways(cast: Cast, hu_su: ProgrammeTerms) -> None:
    first, second = sorted([cast.suzhou_firm, cast.shanghai_lab], key=lambda one: one.pk)
    RelatedParty.objects.create(a=first, b=second, kind="owner")
    [quote] = Till().quotes([wish(cast)], at=f.MONDAY)
    assert quote.programmes[0].reasons == ("related_party",)


def test_the_smallest_funding_region_pays(cast: Cast, hu_su: ProgrammeTerms) -> None:
    park = b.pool(hu_su, "320571")
    b.pool(hu_su, "310000")
    assert b.held(cast, programme="HU-SU").redemptions.get().pool == park


def test_an_expired_version_gives_way_to_the_one_that_is_valid(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    ProgrammeTerms.objects.filter(pk=hu_su.pk).update(valid_until=date(2026, 3, 1))
    b.terms(rate=Decimal("0.25"), valid_from=date(2026, 3, 2))
    [quote] = Till().quotes([wish(cast, programme="best")], at=f.MONDAY)
    assert (quote.voucher, quote.versions["terms_version"]) == (500, 2)


def test_quoting_many_costs_as_many_queries_as_quoting_one(
    cast: Cast, hu_su: ProgrammeTerms, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):
        Till().quotes([wish(cast, programme="best")], at=f.MONDAY)
    others = [f.InstrumentFactory(institution=cast.shanghai_lab) for _ in range(5)]
    wishes = [Wish(one, wish(cast).period, Decimal(1), cast.project, "best") for one in others]
    with django_assert_num_queries(4):
        quotes = Till().quotes(wishes, at=f.MONDAY)
    assert {quote.voucher for quote in quotes} == {Decimal(1_000)}


def test_quoting_writes_nothing(cast: Cast, hu_su: ProgrammeTerms) -> None:
    Till().quotes([wish(cast, programme="best")], at=f.MONDAY)
    assert left(cast) == (0, 0, 300_000, 0)


# --- hold ------------------------------------------------------------------------------------


def test_holds_half_of_the_price_and_the_rest_on_the_budget(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    cast.project.budget = Decimal(5_000)
    cast.project.save()
    booking = b.held(cast, hours=2, programme="HU-SU")
    assert figures(booking) == ("2000.00", "1000.00", "1000.00")
    assert left(cast) == (1_000, 0, 299_000, 1_000)
    redemption = Redemption.objects.get()
    assert (redemption.state, redemption.held_amount) == ("held", 1_000)
    cast.project.refresh_from_db()
    assert cast.project.held == 1_000


def test_one_booking_is_held_in_ten_queries(
    cast: Cast, hu_su: ProgrammeTerms, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    booking = b.booking(cast, programme="HU-SU")
    loaded = Booking.objects.select_related("instrument__institution__region").get(pk=booking.pk)
    with django_assert_max_num_queries(10):
        Till().hold([loaded], by=cast.researcher, at=f.MONDAY)


def test_what_is_left_of_the_allotment_is_what_one_gets(cast: Cast, hu_su: ProgrammeTerms) -> None:
    move_allotments(held={cast.suzhou_firm.allotments.get().pk: Decimal(299_400)})
    booking = b.held(cast, programme="HU-SU")
    assert figures(booking) == ("2000.00", "600.00", "1400.00")
    cast.project.refresh_from_db()
    assert cast.project.held == 1_400


def test_what_is_left_of_the_pool_is_what_one_gets(cast: Cast, hu_su: ProgrammeTerms) -> None:
    Pool.objects.update(committed=Decimal("999999.50"))
    assert figures(b.held(cast, programme="HU-SU")) == ("2000.00", "0.50", "1999.50")


def test_a_named_programme_with_nothing_left_is_refused_and_holds_nothing(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    Pool.objects.update(committed=Decimal(1_000_000))
    with pytest.raises(Refused) as caught:
        b.held(cast, programme="HU-SU")
    assert caught.value.refusals[0].params["reasons"] == ["pool_exhausted"]
    assert not Redemption.objects.exists()


def test_a_series_shares_what_is_left_from_the_first_on(cast: Cast, hu_su: ProgrammeTerms) -> None:
    move_allotments(held={cast.suzhou_firm.allotments.get().pk: Decimal(298_500)})
    series = [
        b.booking(cast, start=b.NINE + timedelta(days=day), programme="best") for day in range(3)
    ]
    quotes = Till().hold(series, by=cast.researcher, at=f.MONDAY)
    assert [quote.voucher for quote in quotes] == [1_000, 500, 0]
    assert left(cast)[2:] == (0, 1_500)


def test_a_series_over_two_years_takes_from_both(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su, year=2027)
    b.allotment(hu_su, cast.suzhou_firm, year=2027)
    series = [
        b.booking(cast, start=start, programme="best")
        for start in (
            datetime(2026, 12, 31, 1, 0, tzinfo=UTC),
            datetime(2027, 1, 4, 1, 0, tzinfo=UTC),
        )
    ]
    Till().hold(series, by=cast.researcher, at=f.MONDAY)
    assert [pool.committed for pool in Pool.objects.order_by("year")] == [1_000, 1_000]
    held = cast.suzhou_firm.allotments.order_by("year").values_list("held", flat=True)
    assert list(held) == [1_000, 1_000]


def test_a_series_that_the_budget_does_not_cover_is_refused_whole(cast: Cast) -> None:
    cast.project.budget = Decimal(3_000)
    cast.project.save()
    series = [b.booking(cast, start=b.NINE + timedelta(days=day)) for day in range(2)]
    with pytest.raises(Refused) as caught:
        Till().hold(series, by=cast.researcher, at=f.MONDAY)
    assert [refusal.code for refusal in caught.value.refusals] == ["budget_exceeded"]


def test_voucher_and_budget_refuse_together(cast: Cast) -> None:
    b.terms()
    cast.project.budget = Decimal(1)
    cast.project.save()
    with pytest.raises(Refused) as caught:
        b.held(cast, programme="HU-SU")
    codes = [refusal.code for refusal in caught.value.refusals]
    assert codes == ["voucher_not_eligible", "budget_exceeded"]


# --- charge ----------------------------------------------------------------------------------


def test_use_is_charged_as_it_really_was_and_the_rest_is_given_back(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = b.used(cast, b.held(cast, programme="HU-SU"), hours=1.5)
    assert (charge.gross, charge.voucher, charge.net) == (1_500, 750, 750)
    assert (charge.state, charge.kind, charge.settlement) == ("in_review", "use", "net")
    assert charge.period == date(2026, 3, 1)
    assert left(cast) == (0, 750, 299_250, 750)
    cast.project.refresh_from_db()
    assert (cast.project.held, cast.project.spent) == (0, 750)


def test_use_that_ran_over_takes_no_more_of_the_voucher_than_was_held(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    charge = b.used(cast, b.held(cast, programme="HU-SU"), hours=3)
    assert (charge.gross, charge.voucher, charge.net) == (3_000, 1_000, 2_000)


def test_use_that_ran_over_the_budget_is_owed_and_shown_as_overrun(cast: Cast) -> None:
    cast.project.budget = Decimal(2_000)
    cast.project.save()
    b.used(cast, b.held(cast), hours=3)
    cast.project.refresh_from_db()
    assert (cast.project.held, cast.project.spent, cast.project.overrun) == (0, 2_000, 1_000)


def test_use_is_priced_by_the_tariff_that_was_frozen(cast: Cast) -> None:
    booking = b.held(cast)
    f.reprice(unit_price=Decimal(9_999))
    assert b.used(cast, booking).gross == 2_000


def test_the_voucher_is_that_of_the_terms_that_were_frozen(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    booking = b.held(cast, programme="HU-SU")
    ProgrammeTerms.objects.filter(pk=hu_su.pk).update(valid_until=date(2026, 3, 1))
    b.terms(rate=Decimal("0.1"), valid_from=date(2026, 3, 2))
    assert b.used(cast, booking).voucher == 1_000


def test_ones_own_instrument_is_an_internal_transfer_without_tax(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    inside = f.project(cast.shanghai_lab, cast.manager)
    charge = b.used(cast, b.held(cast, project=inside, programme="best"))
    assert (charge.is_internal, charge.vat_rate, charge.voucher) == (True, 0, 0)
    assert charge.gross == 800


def test_a_price_of_nothing_makes_a_charge_of_nothing(cast: Cast, hu_su: ProgrammeTerms) -> None:
    f.reprice(unit_price=0)
    charge = b.used(cast, b.held(cast, programme="best"))
    assert (charge.gross, charge.net, charge.redemption) == (0, 0, None)


def test_a_booking_without_a_frozen_price_leaves_an_exception(cast: Cast) -> None:
    charge = b.used(cast, b.booking(cast))
    assert (charge.state, charge.gross) == ("exception", 0)
    assert charge.events.get().reason == "no_tariff"


def test_the_month_is_that_in_which_the_use_ended_where_the_provider_is(cast: Cast) -> None:
    # Until 00:30 on 1 April in Shanghai.
    booking = b.held(cast, start=datetime(2026, 3, 31, 14, 30, tzinfo=UTC))
    assert b.used(cast, booking).period == date(2026, 4, 1)


def test_absurd_use_is_refused(cast: Cast) -> None:
    f.reprice(unit="sample")
    booking = b.held(cast)
    with pytest.raises(Refused) as caught:
        b.used(cast, booking, quantity="9999999")
    assert caught.value.refusals[0].code == "price_out_of_range"


def test_a_day_of_uses_is_charged_in_as_many_queries_as_one(
    cast: Cast, hu_su: ProgrammeTerms, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    usages = []
    for day in range(4):
        booking = b.held(cast, start=b.NINE + timedelta(days=day), programme="HU-SU")
        usages.append(b.usage(cast, booking, hours=1))
    with django_assert_num_queries(14):
        Till().charge(usages[:1], by=cast.manager, at=b.NINE)
    with django_assert_num_queries(14):
        Till().charge(usages[1:], by=cast.manager, at=b.NINE)
    assert Charge.objects.count() == 4
    assert left(cast) == (0, 2_000, 298_000, 2_000)


# --- release ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["declined", "expired", "cancelled", "rescheduled"])
def test_gives_all_back_without_a_fee(cast: Cast, hu_su: ProgrammeTerms, reason: str) -> None:
    booking = b.held(cast, programme="HU-SU")
    Till().release([booking], reason=reason, by=cast.researcher, at=f.MONDAY)
    assert left(cast) == (0, 0, 300_000, 0)
    assert Redemption.objects.get().state == "released"
    assert not Charge.objects.exists()
    cast.project.refresh_from_db()
    assert (cast.project.held, cast.project.spent) == (0, 0)


@pytest.mark.parametrize(("reason", "fee"), [("late_cancellation", 1_000), ("no_show", 2_000)])
def test_a_fee_is_a_share_of_the_gross_and_no_voucher_pays_it(
    cast: Cast, hu_su: ProgrammeTerms, reason: str, fee: int
) -> None:
    booking = b.held(cast, programme="HU-SU")
    Till().release([booking], reason=reason, by=cast.manager, at=b.NINE)
    charge = Charge.objects.get()
    assert (charge.kind, charge.gross, charge.voucher, charge.net) == (reason, fee, 0, fee)
    assert charge.redemption is None
    assert left(cast) == (0, 0, 300_000, 0)
    cast.project.refresh_from_db()
    assert (cast.project.held, cast.project.spent) == (0, fee)


def test_a_share_of_nothing_leaves_no_fee(cast: Cast) -> None:
    cast.instrument.late_cancel_share = Decimal(0)
    cast.instrument.save()
    booking = b.held(cast)
    Till().release([booking], reason="late_cancellation", by=None, at=b.NINE)
    assert not Charge.objects.exists()


def test_what_was_released_can_be_held_again(cast: Cast, hu_su: ProgrammeTerms) -> None:
    booking = b.held(cast, programme="HU-SU")
    Till().release([booking], reason="rescheduled", by=None, at=f.MONDAY)
    Till().hold([booking], by=None, at=f.MONDAY)
    assert left(cast) == (1_000, 0, 299_000, 1_000)


def test_a_booking_that_never_held_money_has_none_to_give_back(cast: Cast) -> None:
    Till().release([b.booking(cast)], reason="expired", by=None, at=f.MONDAY)
    cast.project.refresh_from_db()
    assert cast.project.held == 0
