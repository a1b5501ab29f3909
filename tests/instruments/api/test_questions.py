"""Questions through the API, their end, and what the database keeps of them."""

from datetime import date

import pytest
import time_machine
from django.db import IntegrityError, InternalError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.utils import ProgrammingError

from institutions.models import Role
from instruments.actions.end_questions import end_questions
from instruments.models import Question, QuestionSet, QuestionSetUse
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.bookings.test_request import NOW, codes
from tests.bookings.test_sign_offs import LEVEL, ask_questions

SETS = "/api/v1/question-sets/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def asked(cast):
    return ask_questions(cast)


def body(**changes):
    question = {
        "code": "hazard",
        "topic": "hazards",
        "text_zh": "有危险吗？",
        "text_en": "Hazardous?",
        "kind": "yes_no",
        "needs_sign_off_when": {"answers": ["yes"]},
    }
    return {
        "institution": "LAB-SH",
        "name_zh": "安全",
        "name_en": "Safety",
        "valid_from": "2026-03-03",
        "instruments": ["LAB-001"],
        "questions": [question],
    } | changes


def test_what_is_asked_on_a_day_is_public(cast, api, asked):
    url = "/api/v1/instruments/LAB-001/questions/"
    answer = api(None).get(url, {"on": "2026-03-02"}).json()
    assert [row["code"] for row in answer["questions"]] == ["hazard", "level", "activity", "state"]
    assert answer["question_set"] == asked.pk
    answer = api(None).get(url, {"on": "2026-03-01"}).json()
    assert (answer["question_set"], answer["questions"]) == (None, [])
    assert api(None).get("/api/v1/instruments/NONE/questions/").status_code == 404
    assert api(None).get(url, {"on": "1900-01-01"}).status_code == 400


def test_a_manager_publishes_once_per_key(cast, api):
    key = {"HTTP_IDEMPOTENCY_KEY": "one"}
    first = api(cast.manager).post(SETS, body(), **key)
    assert first.status_code == 201
    assert first.json()["uses"] == [
        {"instrument": "LAB-001", "valid_from": "2026-03-03", "valid_until": None}
    ]
    assert api(cast.manager).post(SETS, body(), **key).json() == first.json()
    assert QuestionSet.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"institution": "NONE"}, "institution"),
        ({"instruments": ["NONE"]}, "instruments"),
        ({"questions": []}, "questions"),
        ({"valid_from": "2101-01-01"}, "valid_from"),
    ],
)
def test_what_is_malformed_is_named(cast, api, changes, field):
    answer = api(cast.manager).post(SETS, body(**changes))
    assert answer.status_code == 400
    assert any(name.startswith(field) for name in answer.json()["errors"])


@pytest.mark.parametrize("who", ["operator", "researcher", "stranger", "billing_office"])
def test_only_a_manager_publishes(cast, api, who):
    assert api(getattr(cast, who)).post(SETS, body()).status_code == 403
    assert api(None).post(SETS, body()).status_code in (401, 403)
    assert not QuestionSet.objects.exists()


def test_sets_are_seen_where_one_works_and_nowhere_else(cast, api, asked):
    officer = f.person(cast.shanghai_lab, Role.SAFETY_OFFICER)
    for user in (cast.manager, cast.operator, officer):
        assert api(user).get(SETS).json()["count"] == 1
        assert api(user).get(f"{SETS}{asked.pk}/").status_code == 200
    elsewhere = f.person(f.InstitutionFactory(code="LAB-2"), Role.FACILITY_MANAGER)
    for user in (cast.researcher, cast.stranger, elsewhere):
        assert api(user).get(SETS).json()["count"] == 0
        assert api(user).get(f"{SETS}{asked.pk}/").status_code == 404
        assert api(user).post(f"{SETS}{asked.pk}/end/", {"on": "2026-03-05"}).status_code == 404
        assert api(user).post(f"{SETS}{asked.pk}/versions/", body()).status_code == 404
    assert api(cast.manager).get(SETS, {"institution": "LAB-2"}).json()["count"] == 0


def test_a_version_follows_once(cast, api, asked):
    url = f"{SETS}{asked.pk}/versions/"
    answer = api(cast.manager).post(url, body())
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    answer = api(cast.manager).post(url, body(valid_from="2026-03-09"))
    assert answer.status_code == 422
    assert answer.json()["refusals"][0]["code"] == "version_followed"
    assert api(cast.operator).post(url, body()).status_code == 403


def test_a_set_ends_through_the_api(cast, api, asked):
    url = f"{SETS}{asked.pk}/end/"
    assert api(cast.operator).post(url, {"on": "2026-03-05"}).status_code == 403
    answer = api(cast.manager).post(url, {"on": "2026-03-05"})
    assert answer.status_code == 200
    assert answer.json()["uses"][0]["valid_until"] == "2026-03-05"
    answer = api(cast.manager).post(url, {"on": "2026-03-01"})
    assert answer.json()["refusals"][0]["code"] == "questions_in_the_past"


def test_the_list_of_sets_takes_a_fixed_number_of_queries(
    cast, api, asked, django_assert_max_num_queries
):
    api(cast.manager).get(SETS)
    with django_assert_max_num_queries(6) as few:
        api(cast.manager).get(SETS)
    ask_questions(cast, LEVEL, previous=asked, valid_from=date(2026, 3, 4))
    with django_assert_max_num_queries(len(few)):
        assert api(cast.manager).get(SETS).json()["count"] == 2


# --- ending ------------------------------------------------------------------------------------


def test_ended_questions_are_asked_up_to_the_day_before(cast, asked):
    end_questions(by=cast.manager, question_set=asked, on=date(2026, 3, 5), at=NOW)
    use = asked.uses.get()
    assert use.valid == DateRange(date(2026, 3, 2), date(2026, 3, 5))


def test_questions_that_end_before_they_begin_are_never_asked(cast):
    coming = ask_questions(cast, valid_from=date(2026, 3, 9))
    end_questions(by=cast.manager, question_set=coming, on=date(2026, 3, 3), at=NOW)
    assert not coming.uses.exists()


def test_questions_do_not_end_in_the_past(cast, asked):
    with pytest.raises(Refused) as refused:
        end_questions(by=cast.manager, question_set=asked, on=date(2026, 3, 1), at=NOW)
    assert codes(refused) == ["questions_in_the_past"]


@pytest.mark.parametrize("who", ["operator", "researcher", "stranger"])
def test_only_a_manager_ends_questions(cast, asked, who):
    by = getattr(cast, who)
    with pytest.raises(NotAllowed):
        end_questions(by=by, question_set=asked, on=date(2026, 3, 5), at=NOW)


# --- what the database keeps -------------------------------------------------------------------


def test_an_instrument_never_asks_two_sets_on_one_day(cast, asked):
    other = ask_questions(cast, instruments=[f.InstrumentFactory(institution=cast.shanghai_lab)])
    with pytest.raises(IntegrityError, match="question_use_no_overlap"), transaction.atomic():
        QuestionSetUse.objects.create(
            question_set=other,
            instrument=cast.instrument,
            valid=DateRange(date(2026, 4, 1), date(2026, 4, 2)),
        )
    with pytest.raises(Refused) as refused:
        ask_questions(cast, valid_from=date(2026, 3, 9))
    assert codes(refused) == ["questions_overlap"]


def test_a_question_is_never_added_to_a_set_in_use(cast, asked):
    late = Question(
        question_set=asked, number=9, code="late", topic="other", text_zh="?", text_en="?",
        kind="text",
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="in use"), transaction.atomic():
        late.save()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE instruments_question SET text_en = 'Something else'",
        "UPDATE instruments_question SET required = false",
        "DELETE FROM instruments_question",
        "UPDATE instruments_questionset SET name_en = 'Other'",
        "DELETE FROM instruments_questionset",
        "UPDATE instruments_questionsetuse SET instrument_id = instrument_id + 1",
    ],
)
def test_plain_sql_cannot_bend_what_was_asked(cast, asked, statement):
    refusals = (IntegrityError, InternalError, ProgrammingError)
    with pytest.raises(refusals), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"version": 2}, "question_set_versions_follow"),
        ({"version": 1, "follows": True}, "question_set_versions_follow"),
    ],
)
def test_a_version_says_what_it_follows(cast, asked, fields, name):
    previous = asked if fields.pop("follows", False) else None
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        QuestionSet.objects.create(
            institution=cast.shanghai_lab,
            name_zh="一",
            name_en="One",
            created_at=NOW,
            previous=previous,
            **fields,
        )


def test_a_version_is_followed_by_one_alone(cast, asked):
    ask_questions(cast, LEVEL, previous=asked, valid_from=date(2026, 3, 4))
    with pytest.raises(IntegrityError), transaction.atomic():
        QuestionSet.objects.create(
            institution=cast.shanghai_lab,
            name_zh="一",
            name_en="One",
            created_at=NOW,
            previous=asked,
            version=2,
        )
