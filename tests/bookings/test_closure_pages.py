"""The page on which a facility closes and lifts."""

from datetime import timedelta

import pytest
from django.test import Client

from bookings.models import Closure
from institutions.pages.fields import slot_params
from tests import factories as f
from tests.bookings.test_closures import close
from tests.bookings.test_pages import ask, read, soon

PAGE = "/facility/LAB-SH/closures/"


@pytest.fixture
def page(client: Client, cast) -> Client:
    client.force_login(cast.manager)
    return client


def sent(cast, period=None, **changes):
    wanted = {
        **slot_params(period or soon(24, 6), "Asia/Shanghai"),
        "what": cast.instrument.code,
        "kind": "maintenance",
        "reason": "Pump oil",
    }
    return {**wanted, **changes}


def test_closes_and_lists_and_lifts(page, cast):
    assert "没有关闭的时间" in read(page, PAGE)
    assert page.post(PAGE, sent(cast)).status_code == 302
    closure = Closure.objects.get()
    assert "Pump oil" in read(page, PAGE)
    assert page.post(f"{PAGE}{closure.reference}/lift/").status_code == 302
    closure.refresh_from_db()
    assert closure.lifted_at is not None


def test_shows_what_is_in_the_way_before_anything_happens(page, cast):
    booking = ask(cast)
    answer = page.post(PAGE, sent(cast))
    assert answer.status_code == 422
    assert booking.reference in answer.content.decode()
    assert not Closure.objects.exists()
    assert page.post(PAGE, sent(cast, displace="yes")).status_code == 302
    booking.refresh_from_db()
    assert booking.state == "cancelled"


def test_repeats_until_a_day(page, cast):
    until = (soon().start + timedelta(days=14)).date()
    assert page.post(PAGE, sent(cast, repeat="WEEKLY")).status_code == 422
    answer = page.post(PAGE, sent(cast, repeat="WEEKLY", until=f"{until:%Y-%m-%d}"))
    assert answer.status_code == 302
    assert Closure.objects.get().occupancies.count() == 3


def test_is_for_the_facilitys_staff_alone(client, cast):
    reference = close(cast, soon(24, 2), at=soon(0).start).closure.reference
    for person in (cast.researcher, f.person(f.InstitutionFactory(), "facility_manager")):
        client.force_login(person)
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}{reference}/lift/").status_code == 403


def test_takes_a_fixed_number_of_queries(page, cast, django_assert_max_num_queries):
    for day in range(1, 5):
        close(cast, soon(24 * day, 2), at=soon(0).start)
    read(page, PAGE)
    with django_assert_max_num_queries(12):
        read(page, PAGE)
