"""The page on which a facility closes and lifts."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from bookings.actions.lift_closure import lift_closure
from bookings.models import Booking, Closure
from institutions.pages.fields import slot_params
from kernel import clock
from tests import factories as f
from tests.bookings.test_closures import close
from tests.bookings.test_pages import ask, read, soon

PAGE = "/facility/LAB-SH/closures/"


@pytest.fixture
def desk(client: Client, cast) -> Client:
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


def test_closes_and_lists_and_lifts(desk, cast):
    assert "没有关闭的时间" in read(desk, PAGE)
    assert desk.post(PAGE, sent(cast)).status_code == 302
    closure = Closure.objects.get()
    assert "Pump oil" in read(desk, PAGE)
    assert desk.post(f"{PAGE}{closure.reference}/lift/").status_code == 302
    closure.refresh_from_db()
    assert closure.lifted_at is not None


def test_lists_what_comes_soonest_first_then_what_is_over_then_what_was_lifted(desk, cast):
    now = clock.now()
    over = close(cast, soon(-48), at=now - timedelta(days=5)).closure
    lifted = lift_closure(by=cast.manager, closure=close(cast, soon(96), at=now).closure, at=now)
    later, sooner = (close(cast, soon(hours), at=now).closure for hours in (72, 24))
    page = read(desk, PAGE)
    wanted = [one.reference for one in (sooner, later, over, lifted)]
    assert sorted(wanted, key=page.index) == wanted
    day = soon(96).start.astimezone(ZoneInfo("Asia/Shanghai"))
    assert f"{day.month}月{day.day}日" in page.split(over.reference)[1].split(lifted.reference)[0]


def test_shows_what_is_in_the_way_before_anything_happens(desk, cast):
    booking = ask(cast)
    answer = desk.post(PAGE, sent(cast))
    assert answer.status_code == 422
    assert booking.reference in answer.content.decode()
    assert not Closure.objects.exists()
    assert desk.post(PAGE, sent(cast, displace="yes")).status_code == 302
    booking.refresh_from_db()
    assert booking.state == "cancelled"


def test_what_is_in_use_is_named_and_nothing_is_offered_to_displace_it(desk, cast):
    booking = ask(cast)
    Booking.objects.filter(pk=booking.pk).update(state="in_use")
    shown = desk.post(PAGE, sent(cast)).content.decode()
    assert booking.reference in shown
    assert 'name="displace"' not in shown


def test_repeats_until_a_day(desk, cast):
    start = soon().start.astimezone(ZoneInfo("Asia/Shanghai"))
    until = (start + timedelta(days=14)).date()
    assert desk.post(PAGE, sent(cast, repeat="WEEKLY")).status_code == 422
    answer = desk.post(PAGE, sent(cast, repeat="WEEKLY", until=f"{until:%Y-%m-%d}"))
    assert answer.status_code == 302
    assert Closure.objects.get().occupancies.count() == 3
    start = soon(24).start.astimezone(ZoneInfo("Asia/Shanghai"))
    assert f"下次 {start.month}月{start.day}日" in read(desk, PAGE)


def test_is_for_the_facilitys_staff_alone(client, cast):
    reference = close(cast, soon(24, 2), at=soon(0).start).closure.reference
    for person in (cast.researcher, f.person(f.InstitutionFactory(), "facility_manager")):
        client.force_login(person)
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}{reference}/lift/").status_code == 403


def test_says_what_a_closure_displaced(desk, cast):
    booking = ask(cast)
    assert desk.post(PAGE, sent(cast, displace="yes")).status_code == 302
    page = read(desk, PAGE)
    assert "为此改期或取消：" in page
    assert f"/bookings/{booking.reference}/" in page


def test_takes_a_fixed_number_of_queries(desk, cast, django_assert_max_num_queries):
    for day in range(1, 5):
        close(cast, soon(24 * day, 2), at=soon(0).start)
    read(desk, PAGE)
    with django_assert_max_num_queries(12):
        read(desk, PAGE)
