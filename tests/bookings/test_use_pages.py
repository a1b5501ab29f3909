"""The run sheet, booked beside used, problems; in both languages."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.report_problem import report_problem
from bookings.models import Booking, Problem
from bookings.rules.segments import Segment
from institutions.pages.fields import slot_params
from kernel.periods import Period
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, hours
from tests.bookings.test_verbs import START
from tests.conftest import Cast

FACILITY = "/facility/LAB-SH/"
PAGES = ("today/", "usage/", "problems/")
ZONE = "Asia/Shanghai"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START + HOUR, tick=False) as moved:
        yield moved


@pytest.fixture
def running(cast: Cast) -> Booking:
    return check_in(by=cast.researcher, booking=book(cast), at=START)


def read(client: Client, path: str, language: str = "en", status: int = 200) -> str:
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == status, path
    return answer.content.decode()


def as_(client: Client, user) -> Client:
    client.force_login(user)
    return client


def test_facility_pages_are_for_its_staff_in_both_languages(client, cast, running):
    for path in PAGES:
        assert client.get(FACILITY + path).status_code == 302
        for person in (cast.researcher, cast.stranger, cast.billing_office):
            read(as_(client, person), FACILITY + path, status=403)
        for person in (cast.operator, cast.manager):
            read(as_(client, person), FACILITY + path)
        client.logout()
    as_(client, cast.operator)
    words = {"today/": "今日", "usage/": "预约与实际使用", "problems/": "故障"}
    for path, word in words.items():
        assert word in read(client, FACILITY + path, "zh-hans")


def test_the_run_sheet_begins_with_who_overruns_and_says_whom_it_disturbs(
    client, cast, running, clock
):
    following = book(cast, hours(26.5, 28))
    clock.move_to(START + 2.25 * HOUR)
    shown = read(as_(client, cast.operator), f"{FACILITY}today/")
    assert "Past its end for 15 min" in shown
    assert shown.index(running.reference) < shown.index(following.reference)
    assert f"Next on it: {cast.researcher}" in shown


def test_the_run_sheet_shows_a_running_use_of_yesterday(client, cast, running, clock):
    clock.move_to(START + 30 * HOUR)
    assert running.reference in read(as_(client, cast.operator), f"{FACILITY}today/")


def test_the_run_sheet_takes_a_fixed_number_of_queries(
    client, cast, running, clock, django_assert_max_num_queries
):
    for hour in range(3, 9):
        book(cast, hours(24 + hour, 25 + hour))
    clock.move_to(START + 2.25 * HOUR)
    as_(client, cast.operator)
    with django_assert_max_num_queries(10):
        read(client, f"{FACILITY}today/")


def test_an_operator_finishes_from_the_run_sheet_and_comes_back(client, cast, running):
    as_(client, cast.operator)
    answer = client.post(
        f"/bookings/{running.reference}/finish/", {"next": f"{FACILITY}today/"}, follow=True
    )
    assert answer.redirect_chain == [(f"{FACILITY}today/", 302)]
    running.refresh_from_db()
    assert running.state == "completed"


def end(hours_after: float) -> dict[str, str]:
    names = slot_params(Period(START, START + hours_after * HOUR), ZONE)
    return {name: value for name, value in names.items() if name.startswith("end")}


def test_more_and_less_time_are_had_on_the_bookings_page(client, cast, running):
    as_(client, cast.researcher)
    page = read(client, f"/bookings/{running.reference}/")
    assert "More time" in page
    assert "Give time back" in page
    client.post(f"/bookings/{running.reference}/extend/", end(3))
    client.post(f"/bookings/{running.reference}/release/", end(2.5))
    running.refresh_from_db()
    assert running.period.end == START + 2.5 * HOUR
    shown = read(client, f"/bookings/{running.reference}/")
    assert "Extended: ends" in shown
    assert "Time given back: ends" in shown
    assert "已延长" in read(client, f"/bookings/{running.reference}/", "zh-hans")


def test_staff_reads_on_the_page_whose_time_is_in_the_way(client, cast, running):
    following = book(cast, hours(26, 28))
    as_(client, cast.operator)
    answer = client.post(f"/bookings/{running.reference}/extend/", end(3))
    assert answer.status_code == 422
    assert following.reference in answer.content.decode()


def used(hours_used: float, **down: str) -> dict[str, str]:
    return slot_params(Period(START, START + hours_used * HOUR), ZONE) | down


def test_down_time_is_typed_with_the_use_and_explained_on_the_page(client, cast, running, clock):
    clock.move_to(START + 3 * HOUR)
    as_(client, cast.operator)
    down = {
        "down_1_from_day": "2026-03-03",
        "down_1_from_time": "08:30",
        "down_1_until_day": "2026-03-03",
        "down_1_until_time": "09:00",
    }
    url = f"/bookings/{running.reference}/complete/"
    refused = client.post(url, used(2, **down), headers={"accept-language": "en"})
    assert refused.status_code == 422
    assert "Down time needs a cause." in refused.content.decode()
    half = {name: value for name, value in down.items() if "until_time" not in name}
    assert client.post(url, used(2, **half)).status_code == 422
    client.post(url, used(2, **down, down_1_cause="software"))
    shown = read(client, f"/bookings/{running.reference}/")
    assert "Software" in shown
    assert "not charged" in shown


def test_a_use_that_ran_into_the_next_is_warned_of(client, cast, running, clock):
    following = book(cast, hours(26, 28))
    clock.move_to(START + 3 * HOUR)
    as_(client, cast.operator)
    answer = client.post(
        f"/bookings/{running.reference}/complete/",
        used(2.5),
        follow=True,
        headers={"accept-language": "en"},
    )
    assert f"30 minutes into booking {following.reference}" in answer.content.decode()


# --- booked beside used -------------------------------------------------------------------------


@pytest.fixture
def uses(cast: Cast) -> list[Booking]:
    found = []
    for day in range(2):
        booking = book(cast, hours(24 + 24 * day, 26 + 24 * day))
        start = booking.period.start
        complete_booking(
            by=cast.manager,
            booking=booking,
            during=Period(start, start + 1.5 * HOUR),
            segments=[Segment(Period(start, start + HOUR / 4), "down", "other")],
            at=START + 99 * HOUR,
        )
        found.append(booking)
    return found


def test_booked_beside_used_with_differences_down_time_and_totals(client, cast, uses):
    shown = read(as_(client, cast.operator), f"{FACILITY}usage/")
    assert all(booking.reference in shown for booking in uses)
    assert "−30 min" in shown
    assert "2 uses in all" in shown
    assert "−1 h" in shown
    assert "30 min" in shown


def test_the_table_is_narrowed_to_a_month_and_an_instrument(client, cast, uses):
    as_(client, cast.operator)
    for query, count in (
        ("month=2026-03", 2),
        ("month=2026-04", 0),
        ("instrument=LAB-001", 2),
        ("instrument=NONE", 0),
        ("month=nonsense", 2),
    ):
        shown = read(client, f"{FACILITY}usage/?{query}")
        assert sum(booking.reference in shown for booking in uses) == count, query


def test_the_table_takes_a_fixed_number_of_queries(
    client, cast, uses, django_assert_max_num_queries
):
    as_(client, cast.operator)
    with django_assert_max_num_queries(12):
        read(client, f"{FACILITY}usage/")


def test_the_download_is_what_excel_reads(client, cast, uses):
    cast.researcher.full_name = "=cmd|李"
    cast.researcher.save()
    as_(client, cast.operator)
    answer = client.get(f"{FACILITY}usage/download/?month=2026-03")
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    raw = b"".join(answer.streaming_content)
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert ",'=cmd|李," in lines[1]
    assert ",120,90,-30,15," in lines[1]
    as_(client, cast.stranger)
    assert client.get(f"{FACILITY}usage/download/").status_code == 403


def test_a_log_is_sent_on_the_page_and_what_fits_nothing_is_listed(client, cast, running, clock):
    clock.move_to(START + 5 * HOUR)
    as_(client, cast.operator)
    content = (
        b"instrument,started_at,ended_at,operator\n"
        b"LAB-001,2026-03-03 08:00,2026-03-03 09:30,\n"
        b"LAB-001,2026-03-01 08:00,2026-03-01 09:30,Nobody we know\n"
    )
    file = SimpleUploadedFile("log.csv", content)
    answer = client.post(f"{FACILITY}usage/", {"file": file}, headers={"accept-language": "en"})
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "2 lines were read" in shown
    assert running.reference in shown
    assert "Line 3: No open booking" in shown
    assert "Nobody we know" in read(client, f"{FACILITY}usage/")


def test_a_file_that_is_no_log_is_refused_with_a_sentence(client, cast):
    as_(client, cast.operator)
    for content in (b"\x00\x01", b"a,b\n", b"instrument,started_at,ended_at\nX,Y,Z\n"):
        file = SimpleUploadedFile("log.csv", content)
        assert client.post(f"{FACILITY}usage/", {"file": file}).status_code == 422
    assert client.post(f"{FACILITY}usage/", {}).status_code == 422


# --- problems -----------------------------------------------------------------------------------


def test_a_user_reports_from_the_instruments_page_and_it_says_broken(client, cast, running):
    as_(client, cast.researcher)
    assert "/instruments/LAB-001/report/" in read(client, "/instruments/LAB-001/")
    url = f"/instruments/LAB-001/report/?booking={running.reference}"
    assert running.reference in read(client, url)
    assert "报告故障" in read(client, url, "zh-hans")
    client.post(
        "/instruments/LAB-001/report/",
        {"severity": "down", "text": "Smoke", "booking": running.reference},
    )
    problem = Problem.objects.get()
    assert (problem.booking, problem.reported_by) == (running, cast.researcher)
    page = read(client, "/instruments/LAB-001/")
    assert "Broken" in page
    assert "Smoke" in page
    client.logout()
    public = read(client, "/instruments/LAB-001/")
    assert "Broken" in public
    assert "Smoke" not in public
    assert "已损坏" in read(client, "/instruments/LAB-001/", "zh-hans")
    assert "Broken" in read(client, "/instruments/")
    assert client.get("/instruments/LAB-001/book/").status_code in {302, 404}


def test_who_may_not_use_it_cannot_report(client, cast):
    as_(client, cast.stranger)
    assert "report/" not in read(client, "/instruments/LAB-001/")
    read(client, "/instruments/LAB-001/report/", status=403)
    assert client.post("/instruments/LAB-001/report/", {}).status_code == 403


def test_the_bookings_page_offers_a_report_to_those_who_may_make_one(client, cast, running):
    page = f"/bookings/{running.reference}/"
    for person, offered in ((cast.researcher, True), (cast.payer_office, False)):
        assert ("/report/" in read(as_(client, person), page)) is offered


def test_a_report_without_a_word_is_asked_for_again(client, cast):
    as_(client, cast.operator)
    answer = client.post("/instruments/LAB-001/report/", {"severity": "down", "text": ""})
    assert answer.status_code == 422


def test_the_list_says_whom_a_breakdown_hits_and_clears_it(client, cast, running):
    coming = book(cast, hours(50, 51))
    problem = report_problem(
        by=cast.operator, instrument=cast.instrument, severity="down", text="Smoke", at=NOW
    )
    as_(client, cast.operator)
    shown = read(client, f"{FACILITY}problems/")
    assert "It hits 2 bookings in the next two weeks" in shown
    assert coming.reference in shown
    client.post(f"{FACILITY}problems/{problem.reference}/clear/", {"resolution": "Fuse"})
    problem.refresh_from_db()
    assert (problem.state, problem.resolution) == ("cleared", "Fuse")
    assert "Fuse" in read(client, f"{FACILITY}problems/?state=cleared")
    assert "Smoke" not in read(client, f"{FACILITY}problems/?state=open")


def test_only_the_facilitys_own_staff_clears_on_the_page(client, cast, running):
    problem = report_problem(
        by=cast.researcher, instrument=cast.instrument, severity="note", text="Dust", at=NOW
    )
    url = f"{FACILITY}problems/{problem.reference}/clear/"
    as_(client, cast.researcher)
    assert client.post(url).status_code == 403
    other = f.person(cast.suzhou_firm, "operator")
    as_(client, other)
    assert client.post(url).status_code == 403
    assert client.post(url.replace("LAB-SH", "FIRM-SZ")).status_code == 404


def test_the_list_of_problems_takes_a_fixed_number_of_queries(
    client, cast, running, django_assert_max_num_queries
):
    for minute in range(5):
        report_problem(
            by=cast.operator,
            instrument=cast.instrument,
            severity="down",
            text="Dust",
            at=NOW + timedelta(minutes=minute),
        )
    as_(client, cast.operator)
    with django_assert_max_num_queries(9):
        read(client, f"{FACILITY}problems/")


def test_a_facilitys_list_leads_to_the_run_sheet(client, cast):
    as_(client, cast.operator)
    assert f"{FACILITY}today/" in read(client, f"{FACILITY}bookings/")
