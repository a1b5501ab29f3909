"""A facility's questions: sets, versions and their days, edited without script."""

from datetime import date

import pytest
import time_machine
from django.test import Client

from institutions.models import Role, User
from instruments.models import Question, QuestionSet, QuestionSetUse
from tests import factories as f
from tests.bookings.test_sign_offs import LEVEL, ask_questions
from tests.conftest import Cast

PATH = "/facility/LAB-SH/questions/"


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


def row(number: int, **said: object) -> dict[str, object]:
    """One row as a browser sends it."""
    named = {"topic": "hazards", "kind": "yes_no", "required": "on"} | said
    return {f"q-{number}-{name}": value for name, value in named.items() if value is not None}


def sent(
    cast: Cast, *rows: dict[str, object], initial: int = 0, **said: object
) -> dict[str, object]:
    data: dict[str, object] = {
        "name_zh": "安全",
        "name_en": "Safety",
        "valid_from": "2026-03-03",
        "instruments": [cast.instrument.pk],
        "q-TOTAL_FORMS": len(rows),
        "q-INITIAL_FORMS": initial,
        **said,
    }
    for one in rows:
        data |= one
    return data


HAZARD = {"code": "hazard", "text_zh": "有危险吗？", "text_en": "Hazardous?"}
CHOICES = {
    "code": "level",
    "text_zh": "等级？",
    "text_en": "Level?",
    "kind": "choice",
    "choices": "bsl1 | 一级 | Level 1\r\nbsl2｜二级｜Level 2\r\n",
    "sign_off_answers": "bsl2",
}


def send(
    client: Client,
    user: User,
    path: str,
    status: int = 302,
    language: str = "zh-hans",
    **data: object,
) -> str:
    client.force_login(user)
    answer = client.post(path, data, headers={"accept-language": language})
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def page_of(client: Client, user: User, path: str = PATH, language: str = "zh-hans") -> str:
    client.force_login(user)
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_sets_stand_with_their_instruments_and_days_in_both_languages(
    client: Client, cast: Cast
) -> None:
    ask_questions(cast)
    page = page_of(client, cast.manager)
    for text in ("安全", "样品有危险吗？", str(cast.instrument.name_zh), "自 3月2日 周一 起"):
        assert text in page
    page = page_of(client, cast.manager, language="en")
    for text in ("New version", "Is the sample hazardous?", "from Mon 2 Mar", "4 questions"):
        assert text in page


def test_a_manager_makes_a_set(client: Client, cast: Cast) -> None:
    data = sent(cast, row(0, **HAZARD, sign_off_answers="yes"), row(1, **CHOICES), row(2))
    send(client, cast.manager, PATH + "new/", **data)
    made = QuestionSet.objects.get()
    hazard, level = made.questions.all()
    assert hazard.sign_off_answers == ["yes"]
    assert level.choices[1] == {"code": "bsl2", "name_zh": "二级", "name_en": "Level 2"}
    assert made.uses.get().valid.lower == date(2026, 3, 3)


def test_more_rows_come_without_script_and_keep_what_was_typed(client: Client, cast: Cast) -> None:
    page = send(client, cast.manager, PATH + "new/", 200, **sent(cast, row(0, **HAZARD)), more="1")
    assert 'name="q-3-code"' in page
    assert "Hazardous?" in page
    assert not QuestionSet.objects.exists()


@pytest.mark.parametrize(
    ("bad", "english", "chinese"),
    [
        ({"code": "Hazard"}, "Enter a valid", "输入一个有效的值。"),
        ({"text_en": ""}, "This field is required.", "该字段是必填项。"),
        (
            {"kind": "choice", "choices": "bsl1 Level 1"},
            "Not a choice: “bsl1 Level 1”",
            "不是有效选项：“bsl1 Level 1”",
        ),
        ({"kind": "choice", "choices": ""}, "Give the choices.", "请给出选项。"),
        ({"sign_off_answers": "perhaps"}, "an answer that cannot be given", "不在可选答案之中"),
        (
            {"sign_off_at_least": "5"},
            "Only a number needs sign-off",
            "只有数字题可以按数值要求签核",
        ),
    ],
)
def test_a_wrong_row_is_told_and_nothing_is_made(
    client: Client, cast: Cast, bad: dict[str, object], english: str, chinese: str
) -> None:
    data = sent(cast, row(0, **HAZARD | bad))
    for language, words in (("en", english), ("zh-hans", chinese)):
        page = send(client, cast.manager, PATH + "new/", 422, language, **data)
        assert "invalid-feedback" in page or 'role="alert"' in page
        assert words in page
    assert not QuestionSet.objects.exists()


@pytest.mark.parametrize(
    ("changes", "text", "english"),
    [
        ({"valid_from": "2026-03-01"}, "不能追溯", "Questions can change from today on"),
        ({"valid_from": "1999-03-01"}, "invalid-feedback", "between 2000 and 2100"),
        ({"instruments": []}, "invalid-feedback", "This field is required."),
        ({"name_zh": ""}, "invalid-feedback", "This field is required."),
    ],
)
def test_a_wrong_set_is_told(
    client: Client, cast: Cast, changes: dict[str, object], text: str, english: str
) -> None:
    data = sent(cast, row(0, **HAZARD), **changes)
    assert text in send(client, cast.manager, PATH + "new/", 422, **data)
    assert english in send(client, cast.manager, PATH + "new/", 422, "en", **data)


def test_a_set_without_questions_is_refused(client: Client, cast: Cast) -> None:
    data = sent(cast, row(0))
    assert "至少" in send(client, cast.manager, PATH + "new/", 422, **data)
    assert "at least one" in send(client, cast.manager, PATH + "new/", 422, "en", **data)


def test_a_broken_row_count_is_no_error_of_ours(client: Client, cast: Cast) -> None:
    data = sent(cast, row(0, **HAZARD)) | {"q-TOTAL_FORMS": "x"}
    send(client, cast.manager, PATH + "new/", 422, **data)
    send(client, cast.manager, PATH + "new/", 200, **data, more="1")


def test_a_second_set_for_the_same_days_is_refused_in_words(client: Client, cast: Cast) -> None:
    ask_questions(cast)
    data = sent(cast, row(0, **HAZARD))
    assert "请先停用" in send(client, cast.manager, PATH + "new/", 422, **data)
    assert "end those first" in send(client, cast.manager, PATH + "new/", 422, "en", **data)


def test_a_new_version_follows_from_a_day_on(client: Client, cast: Cast) -> None:
    first = ask_questions(cast)
    page = page_of(client, cast.manager, f"{PATH}{first.pk}/version/")
    assert "bsl2 | 二级 | Level 2" in page
    rows = row(0, **HAZARD, DELETE="on"), row(1, **CHOICES)
    send(client, cast.manager, f"{PATH}{first.pk}/version/", **sent(cast, *rows, initial=2))
    second = first.next
    assert (second.version, [q.code for q in second.questions.all()]) == (2, ["level"])
    assert first.uses.get().valid.upper == date(2026, 3, 3)
    data = sent(cast, row(0, **HAZARD))
    page = send(client, cast.manager, f"{PATH}{first.pk}/version/", 422, **data)
    assert "已有更新的版本" in page
    assert f"{PATH}{first.pk}/version/" not in page_of(client, cast.manager)


def test_a_set_ends_from_a_day_on(client: Client, cast: Cast) -> None:
    made = ask_questions(cast)
    page_of(client, cast.manager, f"{PATH}{made.pk}/end/")
    send(client, cast.manager, f"{PATH}{made.pk}/end/", 422, on="2026-03-01")
    send(client, cast.manager, f"{PATH}{made.pk}/end/", on="2026-03-05")
    assert made.uses.get().valid.upper == date(2026, 3, 5)


def test_an_operator_reads_and_changes_nothing(client: Client, cast: Cast) -> None:
    made = ask_questions(cast)
    assert "new/" not in page_of(client, cast.operator)
    for path in ("new/", f"{made.pk}/version/", f"{made.pk}/end/"):
        assert client.get(PATH + path).status_code == 403
        assert client.post(PATH + path, {"on": "2026-03-05"}).status_code == 403


def test_the_pages_are_for_the_facilitys_staff(client: Client, cast: Cast) -> None:
    other = f.person(f.InstitutionFactory(code="LAB-2"), Role.FACILITY_MANAGER)
    officer = f.person(cast.shanghai_lab, Role.SAFETY_OFFICER)
    for user in (cast.researcher, cast.stranger, other, officer):
        client.force_login(user)
        assert client.get(PATH).status_code == 403


def test_another_facilitys_set_is_unknown(client: Client, cast: Cast) -> None:
    made = ask_questions(cast)
    client.force_login(f.person(f.InstitutionFactory(code="LAB-2"), Role.FACILITY_MANAGER))
    for verb in ("version", "end"):
        path = f"/facility/LAB-2/questions/{made.pk}/{verb}/"
        assert client.get(path).status_code == 404
        assert client.post(path, {"on": "2026-03-05"}).status_code == 404


def test_the_list_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    made = ask_questions(cast)
    client.force_login(cast.manager)
    client.get(PATH)
    with django_assert_max_num_queries(10) as few:
        client.get(PATH)
    for day in (3, 4, 5):
        made = ask_questions(cast, LEVEL, previous=made, valid_from=date(2026, 3, day))
    assert Question.objects.count() > 4
    assert QuestionSetUse.objects.count() == 4
    with django_assert_max_num_queries(len(few)):
        client.get(PATH)
