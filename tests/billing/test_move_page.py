"""Moving a booking on its page: what would change is shown, and then just that happens."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from billing.models import Allotment
from bookings.actions.close import close_time
from bookings.models import Booking
from bookings.needs import Needs
from institutions.models import Project, ProjectMember, Role
from institutions.pages.fields import slot_params
from instruments.models import Instrument
from tests import factories as f
from tests.billing import factories as b
from tests.bookings.test_pages import ask, soon
from tests.bookings.test_resources import accessory, configuration
from tests.bookings.test_sign_offs import HAZARD, ask_questions
from tests.conftest import Cast

ENGLISH = {"accept-language": "en"}
CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture(autouse=True)
def monday() -> object:
    with time_machine.travel(f.MONDAY, tick=False) as moment:
        yield moment


@pytest.fixture
def mine(cast: Cast) -> Booking:
    return ask(cast, 30)


@pytest.fixture
def like(cast: Cast) -> Instrument:
    """An equivalent instrument of the facility at half the price; another stands elsewhere."""
    f.InstrumentFactory(code="ELSEWHERE")
    return f.InstrumentFactory(institution=cast.shanghai_lab, code="LAB-002", price=Decimal(500))


def address(booking: Booking) -> str:
    return f"/bookings/{booking.reference}/move/"


def wanted(cast: Cast, hours: int = 40, length: int = 3, **more: str) -> dict[str, str]:
    params = slot_params(soon(hours, length), "Asia/Shanghai")
    return {**params, "instrument": cast.instrument.code, **more}


def look(
    client: Client, booking: Booking, data: dict[str, str], headers: dict[str, str] = ENGLISH
) -> str:
    answer = client.post(address(booking), data, headers=headers)
    assert answer.status_code == 200
    return main(answer)


def main(answer: HttpResponse) -> str:
    """What stands between the bars at top and bottom."""
    return answer.content.decode().split("<main")[1].split("</main>")[0]


def confirm(
    client: Client, booking: Booking, shown: str, data: dict[str, str], **changed: str
) -> HttpResponse:
    """The button under what was `shown`, perhaps with fields that were changed meanwhile."""
    [seal] = re.findall(r'name="seal" value="(\w+)"', shown)
    return client.post(
        address(booking), {**data, "move": "yes", "seal": seal} | changed, headers=ENGLISH
    )


def rows(shown: str) -> dict[str, list[str]]:
    """The table of what would change: each row's heading with now and then, tags taken out."""
    table = shown[shown.index("<tbody>") : shown.index("</tbody>")]
    found = {}
    for row in table.split("<tr>")[1:]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        heading, *both = (" ".join(re.sub(r"<[^>]*>", " ", one).split()) for one in cells)
        found[heading] = both
    return found


# --- what is shown ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (CHINESE, ("调整预约", "将会发生的变化", "现在", "调整后", "确认调整")),
        (ENGLISH, ("Move the booking", "What would change", "Now", "Then", "Move it")),
    ],
)
def test_shows_what_would_change_and_does_nothing_yet(
    client: Client, cast: Cast, mine: Booking, headers: dict[str, str], words: tuple[str, ...]
) -> None:
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast), headers)
    for word in (*words, "¥3,000.00", "+¥1,000.00"):
        assert word in shown
    mine.refresh_from_db()
    assert mine.period == soon(30)


def test_a_link_to_a_free_time_fills_the_form(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    shown = client.get(address(mine), wanted(cast), headers=ENGLISH).content.decode()
    assert "What would change" in shown


def test_where_it_stands_already_there_is_nothing_to_move(
    client: Client, cast: Cast, mine: Booking
) -> None:
    client.force_login(cast.researcher)
    here = wanted(cast, 30, 2)
    assert "stands there already" in look(client, mine, here)
    assert "预约已在这个时段" in look(client, mine, here, CHINESE)
    assert "Move it" not in look(client, mine, here)


@pytest.mark.parametrize("headers", [ENGLISH, CHINESE])
def test_a_form_out_of_shape_says_what_is_wrong(
    client: Client, cast: Cast, mine: Booking, headers: dict[str, str]
) -> None:
    client.force_login(cast.researcher)
    data = wanted(cast) | {"end_time": "00:00", "instrument": "ELSEWHERE"}
    answer = client.post(address(mine), data, headers=headers)
    assert answer.status_code == 422
    text = main(answer)
    english = headers is ENGLISH
    assert ("The end comes after the start." if english else "结束时间须晚于开始时间") in text
    assert ("Select a valid choice" if english else "选择一个有效的选项") in text


def test_a_move_takes_a_fixed_number_of_queries(
    client: Client,
    cast: Cast,
    mine: Booking,
    like: Instrument,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    client.force_login(cast.researcher)
    client.get(address(mine))
    with django_assert_max_num_queries(14):
        client.get(address(mine))
    with django_assert_max_num_queries(65):
        look(client, mine, wanted(cast))
    for number in range(6):
        f.InstrumentFactory(institution=cast.shanghai_lab)
        ask(cast, 40 + 3 * number)
    with django_assert_max_num_queries(14):
        client.get(address(mine))
    with django_assert_max_num_queries(60):
        assert "Free instead" in look(client, mine, wanted(cast, 41))


# --- what is shown is what happens -----------------------------------------------------------


def test_price_and_voucher_come_out_as_shown(client: Client, cast: Cast) -> None:
    terms = b.terms(per_booking_cap=Decimal(1_200))
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    mine = ask(cast, 30, programme="best")
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast))
    assert rows(shown)["Price"] == ["¥2,000.00", "¥3,000.00 (+¥1,000.00)"]
    assert rows(shown)["Voucher"] == ["¥1,000.00", "¥1,200.00 (+¥200.00)"]
    assert rows(shown)["To pay"] == ["¥1,000.00", "¥1,800.00 (+¥800.00)"]
    assert "pays ¥1,200: Suzhou company" in shown
    confirm(client, mine, shown, wanted(cast))
    mine.refresh_from_db()
    assert [mine.price[name] for name in ("gross", "voucher", "net")] == [
        "3000.00",
        "1200.00",
        "1800.00",
    ]
    assert Allotment.objects.get().held == 1_200


def test_a_voucher_that_is_lost_says_why(client: Client, cast: Cast) -> None:
    terms = b.terms(valid_until=soon(36).start.date())
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    mine = ask(cast, 30, programme="best")
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast, 80, 2))
    assert rows(shown)["Voucher"] == ["¥1,000.00", "¥0.00 (−¥1,000.00)"]
    assert "The programme is not valid on that day." in shown
    confirm(client, mine, shown, wanted(cast, 80, 2))
    mine.refresh_from_db()
    assert (mine.price["voucher"], mine.price["net"]) == ("0.00", "2000.00")


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [(ENGLISH, "The facility has to approve it at the new time"), (CHINESE, "须由机组批准")],
)
def test_what_waits_again_is_said_and_then_waits(
    client: Client, cast: Cast, mine: Booking, headers: dict[str, str], sentence: str
) -> None:
    cast.instrument.approval = "manager"
    cast.instrument.save()
    client.force_login(cast.researcher)
    assert sentence in look(client, mine, wanted(cast), headers)
    shown = look(client, mine, wanted(cast))
    assert rows(shown)["State"] == ["Approved", "Requested"]
    confirm(client, mine, shown, wanted(cast))
    mine.refresh_from_db()
    assert mine.state == "requested"


def test_a_dearer_time_waits_for_the_principal(client: Client, cast: Cast, mine: Booking) -> None:
    Project.objects.update(consent_above=Decimal(2_500))
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast))
    assert "principal has to agree to the price first" in shown
    confirm(client, mine, shown, wanted(cast))
    mine.refresh_from_db()
    assert mine.state == "awaiting_principal"
    client.force_login(cast.principal)
    cheaper = look(client, mine, wanted(cast, 40, 1))
    assert "Nobody has to approve it any more." in cheaper


def test_the_facilitys_own_move_waits_for_nobody(client: Client, cast: Cast, mine: Booking) -> None:
    cast.instrument.approval = "manager"
    cast.instrument.save()
    client.force_login(cast.manager)
    shown = look(client, mine, wanted(cast))
    assert "has to approve" not in shown
    assert confirm(client, mine, shown, wanted(cast)).status_code == 302
    mine.refresh_from_db()
    assert (mine.period, mine.state) == (soon(40, 3), "approved")


def test_within_the_notice_period_the_late_fee_is_told(client: Client, cast: Cast) -> None:
    late = ask(cast, 20)
    client.force_login(cast.researcher)
    shown = look(client, late, wanted(cast))
    assert "cancelling will cost the late fee" in shown
    assert "逾期取消费" in look(client, late, wanted(cast), CHINESE)
    confirm(client, late, shown, wanted(cast))
    late.refresh_from_db()
    assert late.moved_late


def test_moves_to_an_equivalent_instrument_at_its_price(
    client: Client, cast: Cast, like: Instrument
) -> None:
    needs = Needs((accessory(cast, "CRYO"),), configuration(cast, "cold"))
    mine = ask(cast, 30, needs=needs)
    client.force_login(cast.researcher)
    data = wanted(cast, 30, 2, instrument=like.code)
    shown = look(client, mine, data)
    assert rows(shown)["Instrument"] == ["Instrument LAB-001", "Instrument LAB-002"]
    assert rows(shown)["Price"] == ["¥2,000.00", "¥1,000.00 (−¥1,000.00)"]
    assert rows(shown)["Configuration"] == ["cold", "None"]
    assert rows(shown)["Accessories"] == ["CRYO", "None"]
    assert confirm(client, mine, shown, data).status_code == 302
    mine.refresh_from_db()
    assert (mine.instrument, mine.price["net"], mine.configuration) == (like, "1000.00", None)
    page = client.get(f"/bookings/{mine.reference}/", headers=ENGLISH).content.decode()
    assert "Instrument LAB-002" in page


def test_another_time_than_was_shown_is_shown_first(
    client: Client, cast: Cast, mine: Booking
) -> None:
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast))
    answer = confirm(client, mine, shown, wanted(cast, 50, 4))
    assert answer.status_code == 422
    assert "no longer as it was shown" in main(answer)
    assert rows(main(answer))["Price"][1] == "¥4,000.00 (+¥2,000.00)"
    mine.refresh_from_db()
    assert mine.period == soon(30)
    confirm(client, mine, main(answer), wanted(cast, 50, 4))
    mine.refresh_from_db()
    assert mine.period == soon(50, 4)


def test_a_price_that_changed_meanwhile_is_shown_anew(
    client: Client, cast: Cast, mine: Booking
) -> None:
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast))
    f.reprice(unit_price=Decimal(1_500))
    answer = confirm(client, mine, shown, wanted(cast))
    assert answer.status_code == 422
    assert rows(main(answer))["Price"][1] == "¥4,500.00 (+¥2,500.00)"
    chinese = client.post(address(mine), wanted(cast, move="yes", seal="0"), headers=CHINESE)
    assert "与先前显示的不同" in main(chinese)
    mine.refresh_from_db()
    assert mine.period == soon(30)


def test_sent_twice_it_moves_once(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast))
    for _ in range(2):
        answer = confirm(client, mine, shown, wanted(cast))
        assert answer.url == f"/bookings/{mine.reference}/"
    mine.refresh_from_db()
    assert mine.period == soon(40, 3)
    assert mine.events.filter(kind="rescheduled").count() == 1


# --- what stands in the way ------------------------------------------------------------------


def test_a_taken_time_offers_the_nearest_free_ones_by_instrument(
    client: Client, cast: Cast, mine: Booking, like: Instrument
) -> None:
    ask(cast, 40)
    client.force_login(cast.researcher)
    for more in ({}, {"move": "yes", "seal": "0"}):
        answer = client.post(address(mine), wanted(cast, **more), headers=ENGLISH)
        assert answer.status_code == (422 if more else 200)
        shown = main(answer)
        assert "This time is taken." in shown
        offers = shown[shown.index("Free instead:") : shown.index("<form method")]
        assert "Instrument LAB-001" in offers
        assert "Instrument LAB-002" in offers
        assert "ELSEWHERE" not in shown
    [there] = re.findall(r'href="(\?[^"]*instrument=LAB-002)#changes-title"', offers)
    followed = client.get(address(mine) + there.replace("&amp;", "&"), headers=ENGLISH)
    assert rows(main(followed))["Instrument"][1] == "Instrument LAB-002"
    mine.refresh_from_db()
    assert mine.period == soon(30)


def test_taken_with_nothing_free_near_says_so(client: Client, cast: Cast, mine: Booking) -> None:
    for hours, length in ((0, 30), (32, 400)):
        close_time(
            by=cast.manager,
            target=cast.instrument,
            period=soon(hours, length),
            kind="maintenance",
            reason="",
            at=f.MONDAY,
        )
    client.force_login(cast.researcher)
    shown = look(client, mine, wanted(cast), CHINESE)
    assert "该时段已被占用" in shown
    assert "一周内没有" in shown
    assert "Nothing of this length is free" in look(client, mine, wanted(cast))


@pytest.mark.parametrize(
    ("field", "value", "english", "chinese"),
    [
        ("max_minutes", 120, "at most 2 h", "最多 2 h"),
        ("needs_qualification", True, "training", "培训"),
    ],
)
def test_every_refusal_of_a_request_is_told_before_and_after(
    client: Client,
    cast: Cast,
    mine: Booking,
    field: str,
    value: object,
    english: str,
    chinese: str,
) -> None:
    setattr(cast.instrument, field, value)
    cast.instrument.save()
    client.force_login(cast.researcher)
    for headers, words in ((ENGLISH, english), (CHINESE, chinese)):
        before = look(client, mine, wanted(cast), headers)
        told = before[before.index('role="alert"') : before.index("<form method")]
        assert words in told
        assert 'name="move"' not in before
        after = client.post(address(mine), wanted(cast, move="yes", seal="0"), headers=headers)
        assert after.status_code == 422
        assert told in main(after)
    mine.refresh_from_db()
    assert mine.period == soon(30)


def test_what_the_budget_does_not_cover_is_told(client: Client, cast: Cast, mine: Booking) -> None:
    Project.objects.update(budget=Decimal(2_500))
    client.force_login(cast.researcher)
    assert "budget" in look(client, mine, wanted(cast))
    assert "预算" in look(client, mine, wanted(cast), CHINESE)


def test_an_instrument_with_other_questions_is_booked_anew(
    client: Client, cast: Cast, mine: Booking, like: Instrument
) -> None:
    ask_questions(cast, HAZARD, instruments=[like])
    client.force_login(cast.researcher)
    data = wanted(cast, instrument=like.code)
    assert "asks other questions first" in look(client, mine, data)
    assert "须先回答其他问题" in look(client, mine, data, CHINESE)


def test_once_its_time_has_begun_the_facility_moves_it(
    client: Client, cast: Cast, mine: Booking
) -> None:
    with time_machine.travel(soon(31).start, tick=False):
        client.force_login(cast.researcher)
        assert "ask the facility" in look(client, mine, wanted(cast))
        client.force_login(cast.manager)
        assert "What would change" in look(client, mine, wanted(cast))


def test_what_has_ended_says_so(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    client.post(f"/bookings/{mine.reference}/cancel/", {})
    for headers, sentence in (
        (ENGLISH, "cannot be moved any more"),
        (CHINESE, "不能再调整"),
    ):
        shown = main(client.get(address(mine), headers=headers))
        assert sentence in shown
        assert "<form method" not in shown
    client.post(address(mine), wanted(cast, move="yes", seal="0"))
    mine.refresh_from_db()
    assert (mine.state, mine.period) == ("cancelled", soon(30))


# --- who may ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("researcher", 200),
        ("principal", 200),
        ("manager", 200),
        ("operator", 403),
        ("billing_office", 403),
        ("payer_office", 403),
        ("stranger", 404),
        ("colleague", 403),
        ("manager elsewhere", 404),
    ],
)
def test_is_for_those_who_may_move_it(
    client: Client, cast: Cast, mine: Booking, who: str, status: int
) -> None:
    if who == "colleague":
        person = f.person(cast.suzhou_firm)
        ProjectMember.objects.create(project=cast.project, user=person)
    elif who == "manager elsewhere":
        person = f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)
    else:
        person = getattr(cast, who)
    client.force_login(person)
    assert client.get(address(mine)).status_code == status
    assert client.post(address(mine), wanted(cast)).status_code == status
    answer = client.post(address(mine), wanted(cast, move="yes", seal="0"))
    assert answer.status_code == (422 if status == 200 else status)
    mine.refresh_from_db()
    assert mine.period == soon(30)


def test_who_is_not_signed_in_is_asked_to(client: Client, mine: Booking) -> None:
    answer = client.get(address(mine))
    assert answer.status_code == 302
    assert answer.url.startswith("/account/login/")


def test_its_page_links_to_moving_for_who_may(client: Client, cast: Cast, mine: Booking) -> None:
    client.force_login(cast.researcher)
    assert address(mine) in client.get(f"/bookings/{mine.reference}/").content.decode()
    client.force_login(cast.operator)
    assert address(mine) not in client.get(f"/bookings/{mine.reference}/").content.decode()
