"""The instrument's week, one's own bookings, the facility's list and its queue."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from bookings.actions.request import request_booking
from bookings.models import Booking
from institutions.pages.fields import slot_params
from instruments.models import OpeningCalendar
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast

CHINESE = {"accept-language": "zh-hans"}


def soon(hours: int = 24, length: int = 2) -> Period:
    """Whole hours from now on."""
    start = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)
    return Period(start, start + timedelta(hours=length))


def ask(cast: Cast, hours: int = 24, **fields: object) -> Booking:
    return request_booking(
        **{
            "by": cast.researcher,
            "instrument": cast.instrument,
            "period": soon(hours),
            "project": cast.project,
            "purpose": "X-ray",
            "at": clock.now(),
        }
        | fields
    )


@pytest.fixture
def queue(cast: Cast) -> list[Booking]:
    """Three requests that wait for the manager."""
    cast.instrument.approval = "manager"
    cast.instrument.save()
    return [ask(cast, hours) for hours in (24, 48, 72)]


def read(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=CHINESE)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_week_shows_closed_days_and_offers_free_ones(
    client: Client, cast: Cast, workdays: OpeningCalendar
) -> None:
    cast.instrument.opening_calendar = workdays
    cast.instrument.save()
    week = (clock.now() + timedelta(days=7)).date()
    shown = read(client, f"/instruments/LAB-001/?week={week}")
    assert shown.count("bar-shut") >= 7
    assert "不开放" in shown


def test_a_free_stretch_links_to_the_form_that_books_it(client: Client, cast: Cast) -> None:
    ask(cast)
    day = soon().start.astimezone(ZoneInfo("Asia/Shanghai")).date()
    shown = read(client, f"/instruments/LAB-001/?week={day}")
    assert "/instruments/LAB-001/book/?start_day=" in shown
    assert "bar-taken" in shown


def test_the_week_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries: object
) -> None:
    for hours in range(24, 72, 3):
        ask(cast, hours)
    read(client, "/instruments/LAB-001/")
    with django_assert_max_num_queries(10):
        read(client, "/instruments/LAB-001/")


@pytest.mark.parametrize("week", ["9999-12-31", "0001-01-01", "soon", "2026-02-30", ""])
def test_an_odd_week_still_gives_a_page(client: Client, cast: Cast, week: str) -> None:
    read(client, f"/instruments/LAB-001/?week={week}")


def test_an_instrument_by_request_shows_no_slots(client: Client, cast: Cast) -> None:
    cast.instrument.access_mode = "proposal"
    cast.instrument.save()
    shown = read(client, "/instruments/LAB-001/")
    assert "按机时分配" in shown
    assert "本目录未登记该机组的联系方式" in shown
    assert "创新券可抵扣的金额" not in shown
    assert 'id="calendar"' not in shown


def test_an_unknown_instrument_is_not_found(client: Client, db: None) -> None:
    read(client, "/instruments/NOPE/", 404)


@pytest.mark.parametrize(
    "path", ["/bookings/", "/facility/LAB-SH/approvals/", "/facility/LAB-SH/bookings/"]
)
def test_who_is_not_signed_in_is_asked_to(client: Client, cast: Cast, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/account/login/?next=")


def test_my_bookings_are_mine_alone(client: Client, cast: Cast) -> None:
    booking = ask(cast)
    client.force_login(cast.researcher)
    assert booking.reference in read(client, "/bookings/")
    client.force_login(cast.stranger)
    assert booking.reference not in read(client, "/bookings/?show=all")


@pytest.mark.parametrize("show", ["upcoming", "waiting", "past", "all", "nonsense"])
def test_each_tab_of_my_bookings_opens(client: Client, cast: Cast, show: str) -> None:
    ask(cast)
    client.force_login(cast.researcher)
    read(client, f"/bookings/?show={show}&q=LAB")


@pytest.mark.parametrize("who", ["researcher", "billing_office", "stranger"])
def test_a_facilitys_pages_are_for_its_staff(client: Client, cast: Cast, who: str) -> None:
    client.force_login(getattr(cast, who))
    read(client, "/facility/LAB-SH/approvals/", 403)
    read(client, "/facility/LAB-SH/bookings/", 403)


@pytest.mark.parametrize("show", ["today", "open", "upcoming", "past", "all"])
def test_each_tab_of_the_facility_opens(client: Client, cast: Cast, show: str) -> None:
    ask(cast, 1)
    client.force_login(cast.operator)
    read(client, f"/facility/LAB-SH/bookings/?show={show}")


def decide(client: Client, decision: str, *bookings: Booking, reason: str = "") -> int:
    data = {"decision": decision, "booking": [b.reference for b in bookings], "reason": reason}
    return client.post("/facility/LAB-SH/approvals/", data, headers=CHINESE).status_code


def states(bookings: list[Booking]) -> list[str]:
    return [Booking.objects.get(pk=booking.pk).state for booking in bookings]


def test_several_requests_are_approved_at_once(
    client: Client, cast: Cast, queue: list[Booking]
) -> None:
    client.force_login(cast.manager)
    assert decide(client, "approve", *queue[:2]) == 302
    assert states(queue) == ["approved", "approved", "requested"]


def test_declining_needs_a_reason(client: Client, cast: Cast, queue: list[Booking]) -> None:
    client.force_login(cast.manager)
    assert decide(client, "decline", queue[0]) == 422
    assert decide(client, "decline", queue[0], reason="Maintenance") == 302
    assert states(queue) == ["declined", "requested", "requested"]
    assert queue[0].events.last().reason == "Maintenance"


def test_one_that_cannot_be_approved_does_not_stop_the_others(
    client: Client, cast: Cast, queue: list[Booking]
) -> None:
    client.force_login(cast.manager)
    assert decide(client, "decline", queue[0], reason="Full") == 302
    assert decide(client, "approve", *queue) == 302
    assert states(queue) == ["declined", "approved", "approved"]
    assert queue[0].reference in read(client, "/facility/LAB-SH/approvals/")


def test_an_operator_reads_the_queue_and_decides_nothing(
    client: Client, cast: Cast, queue: list[Booking]
) -> None:
    client.force_login(cast.operator)
    assert queue[0].reference in read(client, "/facility/LAB-SH/approvals/")
    decide(client, "approve", queue[0])
    assert states(queue)[0] == "requested"


def test_the_queue_says_what_is_known_of_the_requester(
    client: Client, cast: Cast, queue: list[Booking]
) -> None:
    cast.instrument.needs_qualification = True
    cast.instrument.save()
    client.force_login(cast.manager)
    assert "无上机资格" in read(client, "/facility/LAB-SH/approvals/")
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    assert "有上机资格" in read(client, "/facility/LAB-SH/approvals/")


def test_the_queue_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, queue: list[Booking], django_assert_max_num_queries: object
) -> None:
    for hours in range(96, 120, 2):
        ask(cast, hours)
    client.force_login(cast.manager)
    read(client, "/facility/LAB-SH/approvals/")
    with django_assert_max_num_queries(11):
        read(client, "/facility/LAB-SH/approvals/")


def test_a_slot_in_a_link_is_told_in_the_institutions_zone() -> None:
    period = Period(f.MONDAY, f.MONDAY + timedelta(hours=16))
    assert slot_params(period, "Asia/Shanghai") == {
        "start_day": "2026-03-02",
        "start_time": "08:00",
        "end_day": "2026-03-03",
        "end_time": "00:00",
    }
