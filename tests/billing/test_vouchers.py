"""What a voucher is allowed to pay: pure rules, every reason at once."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import vouchers
from billing.vouchers import REASONS, Admitted, Funds, Occasion, Terms
from bookings.till import VoucherAnswer
from institutions.models import Institution, Region

# Cities by key; a district belongs to the city of the same first letters.
SHANGHAI, SUZHOU = 1, 2
PUDONG = Region(code="310115", lineage=["100000", "310000", "310115"], city_id=SHANGHAI)
QINGPU = Region(code="310118", lineage=["100000", "310000", "310118"], city_id=SHANGHAI)
WUJIANG = Region(code="320509", lineage=["100000", "320000", "320500", "320509"], city_id=SUZHOU)
JIANGSU = Region(code="320000", lineage=["100000", "320000"], city_id=None)
HANGZHOU = Region(code="330100", lineage=["100000", "330000", "330100"], city_id=3)

HALF_ACROSS = Terms(
    id=1,
    version=1,
    programme_id=1,
    programme="HU-SU",
    holder_regions=frozenset({"310000", "320500"}),
    provider_regions=frozenset({"310000", "320500"}),
    cross_city_required=True,
    holder_kinds=frozenset({"enterprise"}),
    service_kinds=frozenset({"instrument"}),
    rate=Decimal("0.5"),
    per_booking_cap=Decimal(50_000),
    settlement="net",
    excludes_related_parties=True,
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
)
RICH = Funds(1, Decimal(300_000), 1, Decimal(1_000_000))


def institution(pk: int, region: Region, kind: str = "enterprise", tree: str = "") -> Institution:
    return Institution(id=pk, code=f"I{pk}", region=region, kind=kind, lineage=[tree or f"I{pk}"])


FIRM = institution(1, WUJIANG)
LAB = institution(2, PUDONG, "university")
DAY = date(2026, 3, 2)
OCCASION = Occasion(FIRM, LAB, "instrument", DAY)


def answered(
    terms: Terms = HALF_ACROSS,
    occasion: Occasion = OCCASION,
    funds: Funds = RICH,
    gross: str = "1000.00",
) -> VoucherAnswer:
    return vouchers.answer(terms, occasion, funds, Decimal(gross))


def test_a_wujiang_firm_in_pudong_gets_half() -> None:
    assert answered() == VoucherAnswer("HU-SU", True, Decimal("500.00"), ())


def test_the_share_is_cut_to_the_fen_never_rounded_up() -> None:
    assert answered(gross="0.99").amount == Decimal("0.49")
    assert answered(replace(HALF_ACROSS, rate=Decimal("0.3333")), gross="100").amount == Decimal(
        "33.33"
    )


@pytest.mark.parametrize(
    ("funds", "paid"),
    [
        (RICH, "50000.00"),
        (replace(RICH, available=Decimal(1_000)), "1000.00"),
        (replace(RICH, pool_left=Decimal("0.01")), "0.01"),
    ],
)
def test_pays_no_more_than_cap_allotment_and_pool(funds: Funds, paid: str) -> None:
    assert answered(funds=funds, gross="200000").amount == Decimal(paid)


def test_without_a_cap_per_booking_the_rate_decides() -> None:
    assert answered(replace(HALF_ACROSS, per_booking_cap=None), gross="200000").amount == 100_000


@pytest.mark.parametrize(
    ("occasion", "reason"),
    [
        (replace(OCCASION, holder=institution(1, HANGZHOU)), "holder_not_in_region"),
        (replace(OCCASION, holder=institution(1, WUJIANG, "university")), "holder_kind"),
        (replace(OCCASION, provider=institution(2, HANGZHOU)), "provider_not_in_region"),
        (replace(OCCASION, provider=institution(2, WUJIANG)), "same_city"),
        (replace(OCCASION, service_kind="consulting"), "service_kind"),
        (replace(OCCASION, day=date(2025, 12, 31)), "outside_dates"),
        (replace(OCCASION, day=date(2027, 1, 1)), "outside_dates"),
        (replace(OCCASION, related=True), "related_party"),
        (
            replace(
                OCCASION,
                holder=institution(1, WUJIANG, tree="G"),
                provider=institution(2, PUDONG, tree="G"),
            ),
            "related_party",
        ),
    ],
)
def test_says_why_it_pays_nothing(occasion: Occasion, reason: str) -> None:
    answer = answered(occasion=occasion)
    assert (answer.eligible, answer.amount, answer.reasons) == (False, 0, (reason,))


@pytest.mark.parametrize(
    ("funds", "reason"),
    [
        (replace(RICH, allotment_id=None, available=None), "no_allotment"),
        (replace(RICH, available=Decimal(0)), "allotment_exhausted"),
        (replace(RICH, pool_id=None, pool_left=None), "no_pool"),
        (replace(RICH, pool_left=Decimal(0)), "pool_exhausted"),
    ],
)
def test_says_which_money_is_gone(funds: Funds, reason: str) -> None:
    assert answered(funds=funds).reasons == (reason,)


def test_its_first_and_last_day_are_inside() -> None:
    for day in (date(2026, 1, 1), date(2026, 12, 31)):
        assert answered(occasion=replace(OCCASION, day=day)).eligible


def test_two_districts_of_one_city_are_one_city() -> None:
    firm = institution(1, QINGPU)
    assert answered(occasion=replace(OCCASION, holder=firm)).reasons == ("same_city",)


def test_who_is_registered_above_city_level_proves_no_other_city() -> None:
    terms = replace(HALF_ACROSS, holder_regions=frozenset({"320000"}))
    firm = institution(1, JIANGSU)
    assert answered(terms, replace(OCCASION, holder=firm)).reasons == ("city_unknown",)


def test_within_one_city_where_the_programme_does_not_ask_for_two() -> None:
    terms = replace(HALF_ACROSS, cross_city_required=False)
    assert answered(terms, replace(OCCASION, holder=institution(1, QINGPU))).eligible


def test_related_parties_where_the_programme_does_not_mind() -> None:
    terms = replace(HALF_ACROSS, excludes_related_parties=False)
    assert answered(terms, replace(OCCASION, related=True)).eligible


def test_use_of_ones_own_instrument_is_never_paid() -> None:
    terms = replace(HALF_ACROSS, cross_city_required=False)
    answer = answered(terms, replace(OCCASION, provider=FIRM, holder=FIRM))
    assert answer.reasons == ("internal_use",)


def test_a_price_too_small_for_a_fen_is_nothing_to_pay() -> None:
    assert answered(gross="0.01").reasons == ("nothing_to_pay",)


def test_says_which_papers_are_missing() -> None:
    strict = replace(
        HALF_ACROSS,
        admitted_only=True,
        admissions=frozenset({Admitted(3, date(2026, 1, 1))}),
        enterprise_sizes=frozenset({"micro", "small"}),
        needs_order_number=True,
    )
    missing = ("not_admitted", "size_not_certified", "order_number_missing")
    assert answered(strict).reasons == missing
    there = replace(OCCASION, sizes=frozenset({"small", "large"}), order_number="SH-1")
    admitted = replace(strict, admissions=frozenset({Admitted(2, date(2026, 1, 1), DAY)}))
    assert answered(admitted, there).eligible
    over = replace(strict, admissions=frozenset({Admitted(2, date(2026, 1, 1), date(2026, 3, 1))}))
    assert answered(over, there).reasons == ("not_admitted",)


def test_says_that_an_allotment_is_suspended_or_the_group_has_had_its_share() -> None:
    funds = replace(RICH, is_suspended=True, group_left=Decimal(0))
    assert answered(funds=funds).reasons == ("allotment_suspended", "group_cap_exhausted")
    assert answered(funds=replace(RICH, group_left=Decimal(70))).amount == 70


def test_the_deadline_counts_days_from_the_last_day_of_use() -> None:
    assert HALF_ACROSS.claim_by(DAY) is None
    assert replace(HALF_ACROSS, claim_within_days=30).claim_by(DAY) == date(2026, 4, 1)


def test_every_reason_is_told_at_once_in_a_fixed_order() -> None:
    school = institution(1, HANGZHOU, "university")
    occasion = Occasion(school, institution(2, HANGZHOU), "consulting", date(2030, 1, 1), True)
    answer = answered(occasion=occasion, funds=vouchers.NO_FUNDS)
    assert answer.reasons == (
        "outside_dates",
        "holder_not_in_region",
        "holder_kind",
        "provider_not_in_region",
        "same_city",
        "service_kind",
        "related_party",
        "no_allotment",
        "no_pool",
    )
    assert list(answer.reasons) == sorted(answer.reasons, key=REASONS.index)


def paying(code: str, amount: str) -> VoucherAnswer:
    return VoucherAnswer(code, True, Decimal(amount))


def test_best_pays_most_and_ties_go_by_code() -> None:
    refused = VoucherAnswer("A", False, Decimal(0), ("holder_kind",))
    assert vouchers.best([paying("C", "300"), paying("B", "500"), refused]).programme == "B"  # type: ignore[union-attr]
    assert vouchers.best([paying("C", "300"), paying("B", "300")]).programme == "B"  # type: ignore[union-attr]
    assert vouchers.best([refused]) is None


@given(
    rate=st.decimals("0.0001", 1, places=4),
    gross=st.decimals(0, 10**6, places=2),
    limit=st.decimals(0, 10**6, places=2),
)
def test_never_more_than_the_share_or_a_limit_and_never_negative(
    rate: Decimal, gross: Decimal, limit: Decimal
) -> None:
    paid = vouchers.share(rate, gross, at_most=[limit, None])
    assert 0 <= paid <= min(limit, rate * gross)
    assert paid == paid.quantize(Decimal("0.01"))
