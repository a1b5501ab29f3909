"""Quantities as people write them."""

import pytest
from django.utils.translation import override

from billing.measures import number_of, word_of


@pytest.mark.parametrize(
    ("quantity", "unit", "said"),
    [
        ("2.0000", "hour", "2 hours"),
        ("1", "hour", "1 hour"),
        # Ten minutes above four hours are no round number of hours.
        ("4.1667", "hour", "4:10 hours"),
        ("0.0833", "hour", "0:05 hours"),
        ("1.2345", "hour", "1.2345 hours"),
        ("0.0000", "hour", "0 hours"),
        ("0.5000", "share", "50 % of the price"),
        ("12.5", "sample", "12.5 samples"),
        ("1", "once", "1"),
        ("1000", "core_hour", "1000 core-hours"),
    ],
)
def test_a_quantity_is_said_as_people_say_it(quantity: str, unit: str, said: str) -> None:
    with override("en"):
        assert f"{number_of(quantity, unit)} {word_of(quantity, unit)}".strip() == said


def test_the_number_is_the_same_in_every_language() -> None:
    with override("zh-hans"):
        assert (number_of("4.1667", "hour"), word_of("4.1667", "hour")) == ("4:10", "小时")
