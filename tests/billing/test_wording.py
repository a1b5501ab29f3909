"""Codes become sentences, in both languages."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from billing import wording
from billing.vouchers import REASONS
from bookings.till import VoucherAnswer, Wish
from kernel.periods import Period
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def wish(cast: Cast) -> Wish:
    period = Period(b.NINE, b.NINE + timedelta(hours=2))
    return Wish(cast.instrument, period, Decimal(1), cast.project)


def test_says_what_a_voucher_pays_and_between_which_cities(wish: Wish) -> None:
    with translation.override("en"):
        [sentence] = wording.sentences(VoucherAnswer("HU-SU", True, Decimal(1_200)), wish)
    assert sentence == "pays ¥1,200: Suzhou company, Shanghai instrument"


def test_says_every_reason_why_not(wish: Wish) -> None:
    refused = VoucherAnswer("X", False, Decimal(0), ("no_allotment", "same_city"))
    with translation.override("en"):
        assert wording.sentences(refused, wish) == [
            "Institution FIRM-SZ has no allotment of this programme for that year.",
            "The programme pays across cities only, and both are in Shanghai.",
        ]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_reason_has_a_sentence(wish: Wish, language: str) -> None:
    refused = VoucherAnswer("X", False, Decimal(0), REASONS)
    with translation.override(language):
        sentences = wording.sentences(refused, wish)
    assert len(sentences) == len(set(sentences)) == len(REASONS)
    assert not any("%(" in sentence for sentence in sentences)


def test_without_a_project_there_is_nothing_to_say(wish: Wish, cast: Cast) -> None:
    open_ = Wish(cast.instrument, wish.period, Decimal(1), None)
    assert wording.sentences(VoucherAnswer("X", True, Decimal(1)), open_) == []


def test_money_is_written_with_thousands_and_fen_where_there_are_any() -> None:
    assert wording.yuan(Decimal("1234567")) == "1,234,567"
    assert wording.yuan(Decimal("1200.5")) == "1,200.50"
