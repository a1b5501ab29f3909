"""A facility's opening calendars: list, page, form, exceptions, instruments."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client

from institutions.models import Role
from instruments.calendars import WeeklySpan, save_weekly, spans_of
from instruments.models import OpeningCalendar, OpeningException
from kernel import clock
from tests import factories as f
from tests.conftest import Cast

LIST = "/facility/LAB-SH/calendars/"
ROWS = {
    "name": "Nights",
    "holiday_country": "cn",
    "weekly-TOTAL_FORMS": "2",
    "weekly-INITIAL_FORMS": "0",
    "weekly-0-weekdays": ["0", "4"],
    "weekly-0-start": "22:00",
    "weekly-0-end": "6:00",
    "rules-TOTAL_FORMS": "1",
    "rules-INITIAL_FORMS": "0",
}
RULE = {
    "rules-0-frequency": "MONTHLY",
    "rules-0-params": "byweekday:FR;bysetpos:-1",
    "rules-0-start": "09:00",
    "rules-0-end": "24:00",
    "rules-0-first_on": "2026-01-01",
}


@pytest.fixture
def office(cast: Cast) -> OpeningCalendar:
    return save_weekly(
        slug="office",
        name="Office",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(5)), time(9), time(18))],
        institution=cast.shanghai_lab,
    )


def signed_in(client: Client, user: Any) -> Client:
    client.force_login(user)
    return client


def read(client: Client, path: str, language: str = "zh-hans") -> str:
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_manager_reads_list_page_and_form(
    client: Client, cast: Cast, office: OpeningCalendar
) -> None:
    signed_in(client, cast.manager)
    assert "09:00–18:00" in read(client, LIST)
    shown = read(client, f"{LIST}office/")
    assert "LAB-001" in shown
    assert shown.count("09:00–18:00") >= 10
    assert 'value="09:00"' in read(client, f"{LIST}office/edit/")
    read(client, f"{LIST}new/")


def test_hours_are_made_and_changed_row_by_row(client: Client, cast: Cast) -> None:
    signed_in(client, cast.manager)
    assert client.post(f"{LIST}new/", ROWS | RULE).status_code == 302
    made = OpeningCalendar.objects.get()
    assert made.institution == cast.shanghai_lab
    assert made.holiday_country == "CN"
    assert len(spans_of(made).spans) == 2
    assert client.post(f"{LIST}{made.slug}/edit/", ROWS).status_code == 302
    assert spans_of(made).spans == [WeeklySpan(frozenset({0, 4}), time(22), time(6))]


def test_more_rows_are_given_and_nothing_is_saved(client: Client, cast: Cast) -> None:
    signed_in(client, cast.manager)
    answer = client.post(f"{LIST}new/", ROWS | {"more": "weekly"})
    assert answer.status_code == 200
    assert "weekly-4-start" in answer.content.decode()
    assert not OpeningCalendar.objects.exists()


@pytest.mark.parametrize(
    "change", [{"rules-0-params": "count:3"}, {"rules-0-first_on": ""}, {"rules-0-end": ""}]
)
def test_a_rule_that_cannot_be_read_is_said_in_its_row(
    client: Client, cast: Cast, change: dict[str, str]
) -> None:
    signed_in(client, cast.manager)
    answer = client.post(f"{LIST}new/", ROWS | RULE | change)
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.content.decode()
    assert not OpeningCalendar.objects.exists()


def test_exceptions_are_added_refused_and_removed(
    client: Client, cast: Cast, office: OpeningCalendar
) -> None:
    signed_in(client, cast.manager)
    day = clock.today("Asia/Shanghai") + timedelta(days=3)
    path, body = f"{LIST}office/exceptions/", {"first_on": str(day), "reason": "Move"}
    assert client.post(path, body).status_code == 302
    assert client.post(path, body).status_code == 422
    made = OpeningException.objects.get()
    assert "Move" in read(client, f"{LIST}office/")
    assert client.post(f"{path}{made.pk}/remove/").status_code == 302
    assert not OpeningException.objects.exists()


def test_an_instrument_is_given_its_calendars(
    client: Client, cast: Cast, office: OpeningCalendar
) -> None:
    signed_in(client, cast.manager)
    body = {"instrument": "LAB-001", "opening_calendar": "", "start_calendar": office.pk}
    assert client.post(f"{LIST}office/instruments/", body).status_code == 302
    cast.instrument.refresh_from_db()
    assert cast.instrument.start_calendar == office
    theirs = f.OpeningCalendarFactory(institution=cast.suzhou_firm)
    body |= {"start_calendar": theirs.pk}
    assert client.post(f"{LIST}office/instruments/", body).status_code == 400
    cast.instrument.refresh_from_db()
    assert cast.instrument.start_calendar == office


def test_a_calendar_is_deleted_after_asking_once_more(
    client: Client, cast: Cast, office: OpeningCalendar
) -> None:
    signed_in(client, cast.manager)
    address = f"{LIST}office/delete/"
    assert address in read(client, f"{LIST}office/")
    assert "删除日历" in read(client, address)
    assert "Delete the calendar" in read(client, address, "en")
    cast.instrument.opening_calendar = office
    cast.instrument.save()
    answer = client.post(address)
    assert (answer.status_code, OpeningCalendar.objects.count()) == (422, 1)
    cast.instrument.opening_calendar = None
    cast.instrument.save()
    client.force_login(cast.operator)
    assert address not in read(client, f"{LIST}office/")
    assert client.post(address).status_code == 403
    client.force_login(cast.manager)
    assert client.post(address).status_code == 302
    assert not OpeningCalendar.objects.exists()


def test_operators_read_and_do_not_edit_and_strangers_see_nothing(
    client: Client, cast: Cast, office: OpeningCalendar
) -> None:
    signed_in(client, cast.operator)
    read(client, f"{LIST}office/")
    assert client.get(f"{LIST}new/").status_code == 403
    assert client.post(f"{LIST}office/edit/", ROWS).status_code == 403
    signed_in(client, cast.stranger)
    assert client.get(LIST).status_code == 403
    other = signed_in(client, f.person(cast.suzhou_firm, Role.FACILITY_MANAGER))
    assert other.get("/facility/FIRM-SZ/calendars/office/").status_code == 404


def test_the_pages_take_a_fixed_number_of_queries(
    client: Client, cast: Cast, office: OpeningCalendar, django_assert_max_num_queries: Any
) -> None:
    signed_in(client, cast.manager)
    for n in range(5):
        f.InstrumentFactory(institution=cast.shanghai_lab, opening_calendar=office)
        f.OpeningCalendarFactory(institution=cast.shanghai_lab, slug=f"more-{n}")
    with django_assert_max_num_queries(12):
        read(client, LIST)
    with django_assert_max_num_queries(16):
        read(client, f"{LIST}office/")
