"""What the run sheet says of the things that come: samples of runs, answers to questions."""

from decimal import Decimal

import pytest
import time_machine

from bookings.actions.submit_request import SampleSent
from instruments.actions.publish_questions import Ask, publish_questions
from tests.bookings.asking import by_samples, schedule, submit
from tests.bookings.test_request import HOUR, NOW, book, hours
from tests.bookings.test_use_pages import FACILITY, as_, read
from tests.bookings.test_verbs import START

SHEET = f"{FACILITY}today/"
ACID = SampleSent(name="Etched foil", quantity=Decimal(2), unit="mg", hazards="Traces of HF")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START + HOUR, tick=False) as moved:
        yield moved


def ask(cast, *questions: Ask) -> None:
    publish_questions(
        by=cast.manager,
        institution=cast.instrument.institution,
        name_zh="安全",
        name_en="Safety",
        questions=questions,
        instruments=[cast.instrument],
        valid_from=NOW.date(),
        at=NOW,
    )


def text(number: int) -> Ask:
    return Ask(
        code=f"free_{number}",
        topic="other",
        text_zh=f"第 {number} 问",
        text_en=f"Question {number}",
        kind="text",
    )


TOXIC = Ask(
    code="toxic",
    topic="hazards",
    text_zh="是否有毒？",
    text_en="Is it toxic?",
    kind="yes_no",
    sign_off_answers=["yes"],
)


def test_the_samples_of_a_run_stand_on_the_sheet_each_with_its_request(client, cast):
    first = submit(by_samples(cast), samples=[ACID])
    second = submit(cast, samples=[SampleSent(name="Steel C")])
    run = schedule(cast, first, second)
    shown = read(as_(client, cast.operator), SHEET)
    for word in (first.reference, second.reference, run.reference, "Steel C", "2 mg"):
        assert word in shown
    assert "Etched foil" in shown
    assert shown.count("Traces of HF") == 1
    assert "<summary>2 samples" not in shown
    assert "<dt>样品</dt>" in read(client, SHEET, "zh-hans")


def test_many_samples_are_folded_but_not_what_is_dangerous_about_them(client, cast):
    many = [SampleSent(name=f"Chip {number}") for number in range(5)]
    request = submit(by_samples(cast), quantity=Decimal(6), samples=[*many, ACID])
    schedule(cast, request)
    shown = read(as_(client, cast.operator), SHEET)
    fold = shown.index("6 samples")
    assert shown.index("Traces of HF") < fold < shown.index("Chip 4")
    assert "6 个样品" in read(client, SHEET, "zh-hans")


def test_answers_for_the_safety_officer_come_first_and_long_ones_are_folded(client, cast):
    ask(cast, text(1), TOXIC)
    book(cast, answers={"free_1": "Powder, " * 20, "toxic": True})
    shown = read(as_(client, cast.operator), SHEET)
    assert shown.index("Is it toxic?") < shown.index("1 answer<") < shown.index("Powder, ")
    assert "Sign-off" in shown
    chinese = read(client, SHEET, "zh-hans")
    assert "是否有毒？" in chinese
    assert "1 项回答" in chinese


def test_few_short_answers_are_read_without_unfolding(client, cast):
    ask(cast, text(1), TOXIC)
    book(cast, answers={"free_1": "Powder", "toxic": False})
    shown = read(as_(client, cast.operator), SHEET)
    assert "Powder" in shown
    assert "1 answer<" not in shown
    assert "Sign-off" not in shown.split('class="rows')[1]


def test_samples_and_answers_of_all_take_a_fixed_number_of_queries(
    client, cast, django_assert_max_num_queries
):
    ask(cast, TOXIC)
    for hour in range(3, 6):
        book(cast, hours(24 + hour, 25 + hour), answers={"toxic": True})
    by_samples(cast)
    for hour in range(6, 9):
        requests = [submit(cast), submit(cast)]
        schedule(cast, *requests, period=hours(24 + hour, 25 + hour))
    as_(client, cast.operator)
    with django_assert_max_num_queries(11):
        shown = read(client, SHEET)
    assert shown.count("Steel A") == 6


@pytest.mark.parametrize(
    ("past", "main"), [(-0.1, "Check in"), (0.5, "Check in"), (3, "Record the use")], ids=str
)
def test_one_act_of_each_row_is_the_main_one(client, cast, clock, past, main):
    book(cast)
    clock.move_to(START + past * HOUR)
    shown = read(as_(client, cast.operator), SHEET)
    [row] = shown.split('class="sheet-acts"')[1:]
    acts = row.split("</div>")[0]
    assert acts.count("btn-primary") == 1
    assert main in acts.split("btn-primary")[1].split("</")[0]
