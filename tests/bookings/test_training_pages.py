"""The facility's pages of training and violations, and the person's own."""

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from django.test import Client

from bookings.actions.hear_appeal import appeal
from bookings.actions.take_part import sign_up
from bookings.models import Suspension, SuspensionRule, TrainingSession, Violation
from instruments.actions.request_qualification import request_qualification
from instruments.models import Qualification, QualificationRequest, Recognition
from tests import factories as f
from tests.bookings.test_conduct import rule, violate
from tests.bookings.test_pages import CHINESE, read
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.bookings.test_training_sessions import plan
from tests.conftest import Cast

TRAINING, VIOLATIONS, MINE = (
    "/facility/LAB-SH/training/",
    "/facility/LAB-SH/violations/",
    "/account/training/",
)
ENGLISH = {"accept-language": "en"}


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def as_manager(client: Client, cast: Cast) -> Client:
    client.force_login(cast.manager)
    return client


@pytest.fixture
def as_researcher(client: Client, cast: Cast) -> Client:
    client.force_login(cast.researcher)
    return client


def send(client: Client, path: str, status: int = 302, **data: object) -> str:
    answer = client.post(path, data, headers=CHINESE)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def said(client: Client, path: str) -> str:
    """The page in English."""
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", [TRAINING, VIOLATIONS, MINE])
def test_who_is_not_signed_in_is_asked_to(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/account/login/?next=")


@pytest.mark.parametrize("who", ["researcher", "billing_office", "stranger"])
def test_the_facilitys_pages_are_for_its_staff(client: Client, cast: Cast, who: str) -> None:
    session, violation = plan(cast), violate(cast)
    client.force_login(getattr(cast, who))
    for path in (TRAINING, VIOLATIONS, f"{TRAINING}{session.reference}/"):
        read(client, path, 403)
    for path in (
        f"{TRAINING}plan/",
        f"{TRAINING}grant/",
        f"{TRAINING}recognitions/",
        f"{TRAINING}{session.reference}/cancel/",
        f"{VIOLATIONS}record/",
        f"{VIOLATIONS}rule/",
        f"{VIOLATIONS}{violation.reference}/",
    ):
        send(client, path, 403)


def test_what_is_another_houses_is_not_found(client: Client, cast: Cast) -> None:
    elsewhere = f.InstitutionFactory(code="OTHER")
    client.force_login(f.person(elsewhere, "facility_manager"))
    session, violation = plan(cast), violate(cast)
    held = f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    other = "/facility/OTHER/"
    read(client, f"{other}training/{session.reference}/", 404)
    send(client, f"{other}training/{session.reference}/cancel/", 404)
    send(client, f"{other}training/qualifications/{held.pk}/end/", 404)
    send(client, f"{other}violations/{violation.reference}/", 404, decision="lift", reason="x")


@pytest.mark.parametrize("show", ["sessions", "past", "requests", "people", "recognition", "odd"])
@pytest.mark.parametrize("who", ["manager", "operator"])
def test_each_tab_of_the_training_opens(client: Client, cast: Cast, show: str, who: str) -> None:
    client.force_login(getattr(cast, who))
    assert "培训" in read(client, f"{TRAINING}?show={show}")
    change(cast.instrument, needs_qualification=True, techniques=["LC-MS"])
    plan(cast)
    ask(cast)
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    recognise(cast)
    shown = read(client, f"{TRAINING}?show={show}")
    # Only who may plan, grant and recognise is offered to.
    offers = f'action="{TRAINING}' in shown
    assert offers == (who == "manager" and show not in ("past",))


@pytest.mark.parametrize("show", ["all", "appeals", "suspended", "rule", "odd"])
@pytest.mark.parametrize("who", ["manager", "operator"])
def test_each_tab_of_the_violations_opens(client: Client, cast: Cast, show: str, who: str) -> None:
    client.force_login(getattr(cast, who))
    assert "违规" in read(client, f"{VIOLATIONS}?show={show}")
    rule(cast, after_count=1)
    appeal(by=cast.researcher, violation=violate(cast), text="Not me", at=NOW)
    violate(cast, kind="overrun")
    read(client, f"{VIOLATIONS}?show={show}")


def ask(cast: Cast) -> QualificationRequest:
    return request_qualification(
        by=cast.researcher, instrument=cast.instrument, experience="Two years in Suzhou", at=NOW
    )


def recognise(cast: Cast) -> Recognition:
    return Recognition.objects.create(
        institution=cast.shanghai_lab,
        granting=cast.suzhou_firm,
        valid=(date(2026, 3, 1), None),
        made_by=cast.manager,
        made_at=NOW,
    )


def wanted(cast: Cast, **changes: object) -> dict[str, object]:
    data = {
        "instrument": "LAB-001",
        "start_0": "2026-03-04",
        "start_1": "09:00",
        "end_0": "2026-03-04",
        "end_1": "11:00",
        "trainer": cast.operator.email,
        "places": 4,
        "level": 1,
        "valid_months": "",
        "notes": "",
    }
    names = {"start_0": "start_day", "start_1": "start_time"} | {
        "end_0": "end_day",
        "end_1": "end_time",
    }
    return {names.get(key, key): value for key, value in (data | changes).items()}


def test_a_session_is_planned_by_the_clock_on_the_wall(as_manager: Client, cast: Cast) -> None:
    send(as_manager, f"{TRAINING}plan/", **wanted(cast))
    session = TrainingSession.objects.get()
    assert (session.period, session.trainer) == (hours(49, 51), cast.operator)
    assert session.reference in read(as_manager, TRAINING)


def test_what_is_in_the_way_of_a_session_is_named(as_manager: Client, cast: Cast) -> None:
    booking = book(cast, hours(50, 52))
    assert booking.reference in send(as_manager, f"{TRAINING}plan/", 422, **wanted(cast))
    assert not TrainingSession.objects.exists()


def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(
    as_manager: Client, cast: Cast
) -> None:
    shown = send(as_manager, f"{TRAINING}plan/", 422, **wanted(cast, places=0, notes="Bring ID"))
    assert "invalid-feedback" in shown
    assert "Bring ID" in shown


def test_attendance_is_ticked(as_manager: Client, cast: Cast) -> None:
    session = plan(cast)
    sign_up(by=cast.researcher, session=session, at=NOW)
    url = f"{TRAINING}{session.reference}/"
    assert 'name="attended"' not in read(as_manager, url)
    early = send(as_manager, url, 422, attended=[cast.researcher.email])
    assert "培训尚未开始" in early
    with time_machine.travel(NOW + 50 * HOUR, tick=False):
        as_manager.force_login(cast.manager)
        assert 'name="attended"' in read(as_manager, url)
        send(as_manager, url, attended=[cast.researcher.email])
    assert Qualification.objects.get().user == cast.researcher
    session.refresh_from_db()
    assert session.state == "completed"


def test_a_manager_signs_somebody_up_on_the_page(as_manager: Client, cast: Cast) -> None:
    page = f"{TRAINING}{plan(cast).reference}/"
    assert "替他人报名" in read(as_manager, page)
    assert "Sign somebody up" in said(as_manager, page)
    send(as_manager, f"{page}sign-up/", user=cast.researcher.email)
    assert cast.researcher.email in read(as_manager, page)
    assert f"由 {cast.manager} 报名" in read(as_manager, page)
    send(as_manager, f"{page}sign-up/", 422, user="nobody@example.test")
    send(as_manager, f"{page}sign-up/", 422, user=cast.researcher.email)
    as_manager.force_login(cast.operator)
    assert "替他人报名" not in read(as_manager, page)
    assert as_manager.get(f"{page}sign-up/").status_code == 200
    send(as_manager, f"{page}sign-up/", 422, user=cast.principal.email)
    as_manager.force_login(cast.stranger)
    assert as_manager.get(f"{page}sign-up/").status_code in (403, 404)


def test_a_session_is_cancelled_once(as_manager: Client, cast: Cast) -> None:
    session = plan(cast)
    send(as_manager, f"{TRAINING}{session.reference}/cancel/")
    send(as_manager, f"{TRAINING}{session.reference}/cancel/")
    assert "“已取消”" in read(as_manager, TRAINING)


def test_a_request_is_granted_or_declined_on_the_page(as_manager: Client, cast: Cast) -> None:
    change(cast.instrument, needs_qualification=True)
    asked = ask(cast)
    assert "Two years in Suzhou" in read(as_manager, f"{TRAINING}?show=requests")
    url = f"{TRAINING}requests/{asked.reference}/"
    send(as_manager, url, 422, decision="decline", reason="")
    send(as_manager, url, decision="grant", level=2, valid_until="2027-01-01")
    held = Qualification.objects.get()
    assert (held.level, held.valid_until) == (2, date(2027, 1, 1))
    send(as_manager, url, decision="decline", reason="Too late")
    asked.refresh_from_db()
    assert asked.state == "granted"


def test_a_qualification_is_granted_and_taken_back(as_manager: Client, cast: Cast) -> None:
    change(cast.instrument, techniques=["LC-MS"])
    form = {"user": cast.researcher.email, "level": 1, "valid_until": ""}
    send(as_manager, f"{TRAINING}grant/", what="instrument:LAB-001", **form)
    send(as_manager, f"{TRAINING}grant/", what="technique:LC-MS", **form)
    nobody = {**form, "user": "nobody@example.test", "what": "technique:LC-MS"}
    assert "invalid-feedback" in send(as_manager, f"{TRAINING}grant/", 422, **nobody)
    past = {**form, "valid_until": "2026-03-01", "what": "technique:LC-MS"}
    send(as_manager, f"{TRAINING}grant/", 422, **past)
    first, second = Qualification.objects.order_by("pk")
    assert (first.instrument, second.institution) == (cast.instrument, cast.shanghai_lab)
    send(as_manager, f"{TRAINING}qualifications/{first.pk}/end/")
    first.refresh_from_db()
    assert first.valid_until == date(2026, 3, 1)


def test_an_operator_grants_nothing_and_learns_of_no_account(client: Client, cast: Cast) -> None:
    client.force_login(cast.operator)
    for email in (cast.researcher.email, "nobody@example.test"):
        form = {"user": email, "what": "instrument:LAB-001", "level": 1}
        shown = send(client, f"{TRAINING}grant/", 422, **form)
        assert "invalid-feedback" not in shown
    assert not Qualification.objects.exists()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("&which=expiring", True),
        ("&which=over", False),
        ("&q=LAB-001", True),
        ("&q=nobody", False),
    ],
)
def test_who_is_trained_is_found(as_manager: Client, cast: Cast, query: str, found: bool) -> None:
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, valid_until=date(2026, 4, 1)
    )
    assert (cast.researcher.email in read(as_manager, f"{TRAINING}?show=people{query}")) == found


def test_recognition_is_opted_into_and_ended(as_manager: Client, cast: Cast) -> None:
    form = {"granting": "FIRM-SZ", "technique": "", "valid_from": "2026-03-02", "valid_until": ""}
    send(as_manager, f"{TRAINING}recognitions/", **form)
    row = Recognition.objects.get()
    assert (row.institution, row.granting) == (cast.shanghai_lab, cast.suzhou_firm)
    assert "已认可该培训" in send(as_manager, f"{TRAINING}recognitions/", 422, **form)
    send(as_manager, f"{TRAINING}recognitions/{row.pk}/end/")
    row.refresh_from_db()
    assert row.last_day == date(2026, 3, 2)


def test_staff_record_a_violation(client: Client, cast: Cast) -> None:
    client.force_login(cast.operator)
    booking = book(cast)
    send(client, f"{VIOLATIONS}record/", booking=booking.reference.lower(), kind="left_dirty")
    send(client, f"{VIOLATIONS}record/", user=cast.principal.email, kind="other", note="Loud")
    people = Violation.objects.values_list("user", flat=True)
    assert set(people) == {cast.researcher.pk, cast.principal.pk}
    for data in (
        {"kind": "other"},
        {"kind": "other", "booking": "BK-NONE"},
        {"kind": "other", "user": "nobody@example.test"},
        {"kind": "left_dirty", "booking": booking.reference},
    ):
        send(client, f"{VIOLATIONS}record/", 422, **data)
    assert Violation.objects.count() == 2


def test_an_appeal_is_heard_on_the_page(as_manager: Client, cast: Cast) -> None:
    violation = violate(cast)
    appeal(by=cast.researcher, violation=violation, text="The log says no", at=NOW)
    assert "The log says no" in read(as_manager, f"{VIOLATIONS}?show=appeals")
    url = f"{VIOLATIONS}{violation.reference}/"
    send(as_manager, url, 422, decision="uphold", reason="")
    send(as_manager, url, decision="uphold", reason="It does not")
    violation.refresh_from_db()
    assert (violation.state, violation.answer) == ("upheld", "It does not")


def test_an_operator_hears_no_appeal(client: Client, cast: Cast) -> None:
    violation = violate(cast)
    client.force_login(cast.operator)
    send(client, f"{VIOLATIONS}{violation.reference}/", decision="lift", reason="x")
    violation.refresh_from_db()
    assert violation.state == "counted"


def test_the_rule_is_set_and_ended(as_manager: Client, cast: Cast) -> None:
    form = {"after_count": 3, "within_days": 90, "suspend_days": 14, "valid_from": "2026-03-02"}
    send(as_manager, f"{VIOLATIONS}rule/", **form)
    assert SuspensionRule.objects.get().after_count == 3
    send(as_manager, f"{VIOLATIONS}rule/", 422, **{**form, "valid_from": "2026-03-01"})
    send(as_manager, f"{VIOLATIONS}rule/", 422, **{**form, "after_count": 0})
    send(as_manager, f"{VIOLATIONS}rule/", end="1")
    assert SuspensionRule.objects.get().valid.isempty
    as_manager.force_login(cast.operator)
    send(as_manager, f"{VIOLATIONS}rule/", 422, **form)


def test_my_page_says_what_i_hold_and_what_runs_out(as_researcher: Client, cast: Cast) -> None:
    assert "expires within 60 days" not in said(as_researcher, MINE)
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, valid_until=date(2026, 5, 1)
    )
    f.QualificationFactory(
        user=cast.researcher, instrument=f.InstrumentFactory(), valid_until=date(2026, 5, 2)
    )
    shown = said(as_researcher, MINE)
    assert "1 qualification expires within 60 days" in shown
    assert shown.count("expires soon") == 1
    as_researcher.force_login(cast.stranger)
    assert "Instrument LAB-001" not in said(as_researcher, MINE)


def test_what_i_hold_comes_in_pages(as_researcher: Client, cast: Cast) -> None:
    for _ in range(26):
        f.QualificationFactory(
            user=cast.researcher, instrument=f.InstrumentFactory(), valid_until=date(2027, 1, 1)
        )
    first = said(as_researcher, MINE)
    assert first.count("1 Jan 2027") == 25
    assert 'href="?held=2"' in first
    assert said(as_researcher, f"{MINE}?held=2").count("1 Jan 2027") == 1


def test_who_reads_an_address_that_only_takes_a_form_gets_its_page(
    client: Client, cast: Cast
) -> None:
    for user, path, page in (
        (cast.researcher, f"{MINE}ask/", MINE),
        (cast.researcher, f"{MINE}violations/VI-0000-0000/", MINE),
        (cast.researcher, "/account/projects/join/", "/account/projects/"),
        (cast.manager, f"{TRAINING}plan/", TRAINING),
        (cast.manager, f"{TRAINING}grant/", TRAINING),
        (cast.manager, f"{VIOLATIONS}record/", VIOLATIONS),
        (cast.manager, f"{VIOLATIONS}rule/", VIOLATIONS),
    ):
        client.force_login(user)
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, page)
        assert client.put(path).status_code == 405


def test_i_sign_up_and_withdraw_on_my_page(as_researcher: Client, cast: Cast) -> None:
    session = plan(cast, places=1)
    url = f"{MINE}{session.reference}/"
    assert f"{url}sign-up/" in read(as_researcher, MINE)
    send(as_researcher, f"{url}sign-up/")
    assert f"{url}withdraw/" in read(as_researcher, MINE)
    send(as_researcher, f"{url}sign-up/", 302)
    as_researcher.force_login(cast.principal)
    assert f"{url}sign-up/" not in read(as_researcher, MINE)
    send(as_researcher, f"{url}sign-up/", 302)
    assert "本次培训名额已满" in read(as_researcher, MINE)
    send(as_researcher, f"{url}dance/", 404)
    assert session.participants.get().user == cast.researcher


def test_i_ask_for_a_qualification_on_my_page(as_researcher: Client, cast: Cast) -> None:
    change(cast.instrument, needs_qualification=True)
    form = {"instrument": "LAB-001", "level": 1, "experience": "Two years in Suzhou"}
    assert 'value="LAB-001"' in read(as_researcher, f"{MINE}?instrument=LAB-001")
    send(as_researcher, f"{MINE}ask/", **form)
    assert QualificationRequest.objects.get().user == cast.researcher
    send(as_researcher, f"{MINE}ask/", 422, **form)
    send(as_researcher, f"{MINE}ask/", 422, **{**form, "instrument": "NONE"})
    send(as_researcher, f"{MINE}ask/", 422, **{**form, "experience": ""})


def test_i_appeal_on_my_page(as_researcher: Client, cast: Cast) -> None:
    rule(cast, after_count=1)
    violation = violate(cast, note="Powder everywhere")
    shown = said(as_researcher, MINE)
    assert "You are suspended at Institution LAB-SH until" in shown
    assert "Powder everywhere" in shown
    url = f"{MINE}violations/{violation.reference}/"
    send(as_researcher, url, 422, text="")
    send(as_researcher, url, text="It was clean")
    violation.refresh_from_db()
    assert (violation.state, violation.appeal) == ("appealed", "It was clean")
    as_researcher.force_login(cast.stranger)
    send(as_researcher, url, 404, text="x")
    assert Suspension.objects.count() == 1


def test_the_instruments_page_says_what_is_needed_and_where_it_is_taught(
    client: Client, cast: Cast
) -> None:
    change(cast.instrument, needs_qualification=True, required_level=2)
    full = plan(cast, period=hours(60, 61), places=1)
    sign_up(by=cast.principal, session=full, at=NOW)
    plan(cast, places=3)
    answer = client.get("/instruments/LAB-001/", headers=ENGLISH).content.decode()
    assert "Level 2 is needed." in answer
    assert answer.count("places left") == 1
    assert "/account/training/?instrument=LAB-001" in answer


def test_flags_show_wherever_the_facility_looks(as_manager: Client, cast: Cast) -> None:
    held = f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    change(cast.instrument, needs_qualification=True, approval="manager")
    booking = book(cast)
    held.valid_until = NOW.date()
    held.save()
    flag = "当日无上机资格"
    for path in (
        "/facility/LAB-SH/approvals/",
        "/facility/LAB-SH/bookings/?show=flagged",
        "/facility/LAB-SH/bookings/?show=upcoming",
        f"/bookings/{booking.reference}/",
    ):
        assert flag in read(as_manager, path), path
    as_manager.force_login(cast.researcher)
    assert flag in read(as_manager, "/bookings/")
    held.valid_until = None
    held.save()
    as_manager.force_login(cast.manager)
    shown = read(as_manager, "/facility/LAB-SH/bookings/?show=flagged")
    assert booking.reference not in shown


def test_pages_take_a_fixed_number_of_queries(
    as_manager: Client, cast: Cast, django_assert_max_num_queries: object
) -> None:
    change(cast.instrument, needs_qualification=True)
    rule(cast, after_count=20)
    for number in range(6):
        person = f.person(cast.suzhou_firm)
        sign_up(by=person, session=plan(cast, period=hours(48 + number, 49 + number)), at=NOW)
        violate(cast, user=person, instrument=cast.instrument)
        f.QualificationFactory(user=person, instrument=cast.instrument)
        request_qualification(
            by=person,
            instrument=f.InstrumentFactory(needs_qualification=True),
            experience="x",
            at=NOW,
        )
    first = TrainingSession.objects.first()
    paths = [
        f"{TRAINING}?show={show}" for show in ("sessions", "requests", "people", "recognition")
    ]
    paths += [f"{VIOLATIONS}?show={show}" for show in ("all", "appeals", "suspended", "rule")]
    for path in (*paths, f"{TRAINING}{first.reference}/", MINE):
        read(as_manager, path)
        with django_assert_max_num_queries(13):  # type: ignore[operator]
            read(as_manager, path)
