"""Who operates a booking, said and chosen on its page."""

from datetime import time, timedelta

import pytest
import time_machine
from django.test import Client

from bookings.actions.cancel import cancel_booking
from bookings.actions.reschedule import reschedule_booking
from bookings.models import Booking, Occupancy, Resource
from instruments.calendars import WeeklySpan, save_weekly
from instruments.models import OpeningCalendar
from kernel.periods import Period
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, hours
from tests.bookings.test_resources import operator
from tests.conftest import Cast

TITLES = {"en": "Choose the operator", "zh-hans": "指定操作员"}


@pytest.fixture(autouse=True)
def monday() -> object:
    """Eight o'clock in Shanghai on a Monday."""
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def workdays(db: None) -> OpeningCalendar:
    return save_weekly(
        slug="workdays",
        name="Workdays",
        timezone="Asia/Shanghai",
        spans=[WeeklySpan(frozenset(range(5)), time(9), time(18))],
    )


def named(cast: Cast, name: str, **options: object) -> Resource:
    person = f.person(cast.shanghai_lab, "operator", full_name=name)
    return operator(cast, person=person, **options)


@pytest.fixture
def li(cast: Cast) -> Resource:
    change(cast.instrument, needs_operator=True, access_mode="operator_assisted")
    return named(cast, "Li Operates")


@pytest.fixture
def assisted(cast: Cast, li: Resource) -> Booking:
    """Tomorrow from 08:00 to 10:00 in Shanghai, with Li."""
    return book(cast)


def page(booking: Booking, act: str = "") -> str:
    return f"/bookings/{booking.reference}/{act}"


def read(client: Client, path: str, language: str = "en", status: int = 200) -> str:
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == status
    return answer.content.decode()


def choose(
    client: Client, booking: Booking, who: Resource | None, status: int = 302, language: str = "en"
) -> str:
    data = {"operator": who.pk} if who else {}
    answer = client.post(page(booking, "operator/"), data, headers={"accept-language": language})
    assert answer.status_code == status
    return answer.content.decode()


def operates(booking: Booking) -> Resource:
    row = Occupancy.objects.get(booking=booking, resource__kind="operator", released_at=None)
    return row.resource


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_manager_chooses_another_operator(
    client: Client, cast: Cast, assisted: Booking, li: Resource, language: str
) -> None:
    wang = named(cast, "Wang Operates")
    client.force_login(cast.manager)
    shown = read(client, page(assisted), language)
    assert TITLES[language] in shown
    assert f'<option value="{wang.pk}">Wang Operates</option>' in shown
    assert f'<option value="{li.pk}">' not in shown
    choose(client, assisted, wang, language=language)
    assert operates(assisted) == wang
    shown = read(client, page(assisted), language)
    said = {"en": "Another operator chosen", "zh-hans": "已更换操作员"}
    assert said[language] in shown
    assert {"en": "The operator is chosen.", "zh-hans": "操作员已指定。"}[language] in shown


@pytest.mark.parametrize("who", ["researcher", "principal", "operator", "payer_office"])
def test_nobody_else_is_offered_it_nor_told_who_works_when(
    client: Client, cast: Cast, assisted: Booking, li: Resource, who: str
) -> None:
    wang = named(cast, "Wang Operates")
    client.force_login(getattr(cast, who))
    assert "Choose the operator" not in read(client, page(assisted))
    form = client.get(page(assisted, "operator/"))
    assert form.status_code == 403
    assert "Operates" not in form.content.decode()
    choose(client, assisted, wang, 403)
    assert operates(assisted) == li


def test_a_stranger_finds_nothing(client: Client, cast: Cast, assisted: Booking) -> None:
    wang = named(cast, "Wang Operates")
    other = f.InstitutionFactory()
    for person in (cast.stranger, f.person(other, "facility_manager")):
        client.force_login(person)
        read(client, page(assisted, "operator/"), status=404)
        choose(client, assisted, wang, 404)


def test_only_who_is_qualified_on_duty_and_free_is_offered(
    client: Client, cast: Cast, assisted: Booking, li: Resource, workdays: object
) -> None:
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    named(cast, "Elsewhere", instruments=[other])
    change(named(cast, "Retired"), is_active=False)
    named(cast, "Not Yet There", working_hours=workdays)  # workdays begin at 09:00
    taken = named(cast, "Taken", instruments=[cast.instrument])
    Occupancy.objects.create(resource=taken, during=hours(25, 26).as_range(), kind="leave")
    after = named(cast, "Free", instruments=[cast.instrument])
    Occupancy.objects.create(resource=after, during=hours(26, 27).as_range(), kind="leave")
    client.force_login(cast.manager)
    shown = read(client, page(assisted, "operator/"))
    for name in ("Elsewhere", "Retired", "Not Yet There", "Taken"):
        assert f">{name}<" not in shown
    assert ">Free<" in shown


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Nobody else who operates this instrument"), ("zh-hans", "没有其他当班且空闲")],
)
def test_with_nobody_to_choose_the_page_says_so(
    client: Client, cast: Cast, assisted: Booking, language: str, said: str
) -> None:
    client.force_login(cast.manager)
    shown = read(client, page(assisted, "operator/"), language)
    assert said in shown
    assert "<select" not in shown


@pytest.mark.parametrize(
    ("language", "taken", "absent", "unable"),
    [
        (
            "en",
            "This time is taken.",
            "This person does not work at that time.",
            "This person does not operate this instrument.",
        ),
        ("zh-hans", "该时段已被占用。", "此人在该时段不上班。", "此人不操作这台仪器。"),
    ],
)
def test_what_changed_meanwhile_is_refused_above_the_form(
    client: Client,
    cast: Cast,
    assisted: Booking,
    li: Resource,
    workdays: object,
    language: str,
    taken: str,
    absent: str,
    unable: str,
) -> None:
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    on_leave = named(cast, "On Leave")
    Occupancy.objects.create(resource=on_leave, during=hours(25, 26).as_range(), kind="leave")
    client.force_login(cast.manager)
    for who, sentence in (
        (on_leave, taken),
        (named(cast, "Late", working_hours=workdays), absent),
        (named(cast, "Elsewhere", instruments=[other]), unable),
    ):
        assert sentence in choose(client, assisted, who, 422, language)
    assert operates(assisted) == li


def test_an_ended_booking_offers_it_no_more_and_says_why(
    client: Client, cast: Cast, assisted: Booking
) -> None:
    wang = named(cast, "Wang Operates")
    client.force_login(cast.manager)
    cancel_booking(by=cast.researcher, booking=assisted, at=NOW)
    assert "Choose the operator" not in read(client, page(assisted))
    assert "Somebody was faster" in choose(client, assisted, wang, 422)


def test_an_unknown_or_missing_operator_is_told_beside_the_field(
    client: Client, cast: Cast, assisted: Booking
) -> None:
    named(cast, "Wang Operates")
    foreign = f.InstitutionFactory()
    outsider = Resource.objects.create(
        kind="operator", institution=foreign, person=f.person(foreign, "operator")
    )
    client.force_login(cast.manager)
    for who in (None, outsider):
        assert "invalid-feedback" in choose(client, assisted, who, 422)


def test_a_self_service_instrument_has_nobody_to_choose(client: Client, cast: Cast) -> None:
    client.force_login(cast.manager)
    shown = read(client, page(book(cast)))
    assert "Choose the operator" not in shown
    assert "<dt>Operator</dt>" not in shown


def test_the_page_says_who_operates_and_when_he_is_there(
    client: Client, cast: Cast, li: Resource
) -> None:
    change(cast.instrument, operator_minutes=60, operator_offset_minutes=30)
    booking = book(cast)
    for who, told in (("researcher", True), ("operator", True), ("payer_office", False)):
        client.force_login(getattr(cast, who))
        shown = read(client, page(booking))
        assert ("Li Operates" in shown) is told, who
        assert ("08:30–09:30" in shown) is told, who
        assert ("/facility/LAB-SH/bookings/" in shown) is (who == "operator"), who


@pytest.mark.parametrize(("language", "said"), [("en", "Nobody yet"), ("zh-hans", "尚未安排")])
def test_a_booking_without_its_operator_says_so_and_gets_one(
    client: Client, cast: Cast, language: str, said: str
) -> None:
    booking = book(cast)
    change(cast.instrument, needs_operator=True)
    li = named(cast, "Li Operates")
    client.force_login(cast.manager)
    assert said in read(client, page(booking), language)
    choose(client, booking, li)
    shown = read(client, page(booking), language)
    assert said not in shown
    assert {"en": "Operator chosen", "zh-hans": "已指定操作员"}[language] in shown


def test_the_run_sheet_names_the_operator(
    client: Client, cast: Cast, assisted: Booking, monday: object
) -> None:
    monday.move_to(hours(24, 25).start)
    client.force_login(cast.operator)
    assert "Li Operates" in read(client, "/facility/LAB-SH/today/")


def test_the_page_of_an_assisted_booking_takes_a_fixed_number_of_queries(
    client: Client,
    cast: Cast,
    assisted: Booking,
    workdays: object,
    django_assert_num_queries: object,
) -> None:
    client.force_login(cast.manager)
    named(cast, "One", working_hours=workdays)
    named(cast, "Two")
    read(client, page(assisted))
    with django_assert_num_queries(22):
        read(client, page(assisted))
    for number in range(6):
        named(cast, f"More {number}", working_hours=workdays)
    with django_assert_num_queries(22):
        read(client, page(assisted))


def test_the_history_says_where_a_booking_was_moved(
    client: Client, cast: Cast, assisted: Booking
) -> None:
    start = assisted.period.start + 2 * HOUR
    reschedule_booking(
        by=cast.researcher,
        booking=assisted,
        period=Period(start, start + timedelta(hours=2)),
        at=NOW,
    )
    client.force_login(cast.researcher)
    assert "Moved to Tue 3 Mar 10:00–12:00" in read(client, page(assisted))
    assert "改期至 3月3日 周二 10:00–12:00" in read(client, page(assisted), "zh-hans")
