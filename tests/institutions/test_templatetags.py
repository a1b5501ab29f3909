from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django import forms
from django.utils import translation

from institutions.templatetags import yitong
from kernel.periods import Period

WEDNESDAY = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai


class Picks(forms.Form):
    ours = forms.MultipleChoiceField(
        choices=[("a", "A <b>"), ("c", "C")], widget=forms.CheckboxSelectMultiple
    )


def test_each_box_stands_before_its_own_label() -> None:
    shown = yitong.styled(Picks({"ours": ["c"]})["ours"])
    assert shown.count('class="form-check-input"') == 2
    assert '<label class="form-check-label" for="id_ours_0">A &lt;b&gt;</label>' in shown
    assert 'value="c" id="id_ours_1" checked' in shown
    assert "is-invalid" in yitong.styled(Picks({})["ours"])


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("1200"), "¥1,200.00"),
        ("0.5", "¥0.50"),
        (Decimal("-3.456"), "−¥3.46"),
        (None, "–"),
    ],
)
def test_money_has_thousands_and_two_decimals(amount: object, shown: str) -> None:
    assert yitong.money(amount) == shown


@time_machine.travel(WEDNESDAY)
@pytest.mark.parametrize(
    ("language", "hours", "shown"),
    [
        ("zh-hans", 3, "11月25日 周三 10:00–13:00 · 3 h"),
        ("en", 3, "Wed 25 Nov 10:00–13:00 · 3 h"),
        ("zh-hans", 14, "11月25日 周三 10:00–24:00 · 14 h"),
        ("en", 48, "Wed 25 Nov 10:00 – Fri 27 Nov 10:00 · 48 h"),
        ("en", 105, "Wed 25 Nov 10:00 – Sun 29 Nov 19:00 · 4 d 9 h"),
        ("zh-hans", 24 * 7, "11月25日 周三 10:00 – 12月2日 周三 10:00 · 7 天"),
    ],
)
def test_a_period_is_told_in_words_on_a_24_hour_clock(
    language: str, hours: int, shown: str
) -> None:
    period = Period(WEDNESDAY, WEDNESDAY + timedelta(hours=hours))
    with translation.override(language):
        assert yitong.times(period, "Asia/Shanghai") == shown


@time_machine.travel(WEDNESDAY)
def test_another_year_is_named() -> None:
    period = Period(WEDNESDAY.replace(year=2025), WEDNESDAY.replace(year=2025, hour=4))
    with translation.override("zh-hans"):
        assert yitong.times(period) == "2025年11月25日 周二 10:00–12:00 · 2 h"


def test_every_state_of_money_and_bookings_has_a_tone() -> None:
    assert yitong.tone("requested") == "wait"
    assert yitong.tone("approved") == "go"
    assert yitong.tone("issued") == "done"
    assert yitong.tone("no_show") == "lost"
    assert yitong.tone("cancelled") == "closed"


@pytest.mark.parametrize(
    ("number", "shown"), [("2.50", "2.5"), (Decimal("10"), "10"), ("100.00", "100"), (None, "")]
)
def test_quantities_lose_their_trailing_zeros(number: object, shown: str) -> None:
    assert yitong.plain(number) == shown
