"""The form by which samples are announced or time is applied for."""

from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from bookings.models import ServiceRequest
from institutions.pages.fields import slot_params
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.bookings.asking import by_samples, by_time
from tests.bookings.test_request import HOUR, NOW, change
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}
PAGE = "/instruments/LAB-001/request/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def reader(client: Client, cast: Cast) -> Client:
    client.force_login(cast.researcher)
    return client


def filled(cast: Cast, *samples: dict[str, str], rows: int = 3, **fields: str) -> dict[str, str]:
    """The form as a browser sends it, with a table of `rows` rows."""
    table = {
        f"samples-{n}-{name}": value for n, s in enumerate(samples) for name, value in s.items()
    }
    return {
        **slot_params(Period(NOW, NOW + 240 * HOUR), "Asia/Shanghai"),
        "project": str(cast.project.pk),
        "programme": "",
        "purpose": "Fracture surfaces",
        "samples-TOTAL_FORMS": str(rows),
        "samples-INITIAL_FORMS": "0",
        **table,
        **fields,
    }


A, B = {"name": "Steel A", "quantity": "1.5", "unit": "g"}, {"name": "Steel B", "hazards": "dust"}


def test_who_is_not_signed_in_is_asked_to(client: Client, cast: Cast) -> None:
    by_samples(cast)
    assert client.get(PAGE).headers["Location"].startswith("/account/login/?next=")


def test_the_form_speaks_both_languages(reader: Client, cast: Cast) -> None:
    by_samples(cast)
    chinese = reader.get(PAGE, headers=CHINESE).content.decode()
    assert "提交申请" in chinese
    assert chinese.count("-hazards") >= 3
    assert "Submit a request" in reader.get(PAGE, headers=ENGLISH).content.decode()


def test_an_instrument_with_slots_leads_to_its_page(reader: Client, cast: Cast) -> None:
    assert reader.get(PAGE).headers["Location"] == "/instruments/LAB-001/"
    change(by_samples(cast).instrument, status="out_of_service")
    assert reader.get(PAGE).headers["Location"] == "/instruments/LAB-001/"


def test_samples_in_the_table_are_announced_and_counted(reader: Client, cast: Cast) -> None:
    by_samples(cast)
    answer = reader.post(PAGE, filled(cast, A, B))
    request = ServiceRequest.objects.get()
    assert answer.headers["Location"] == f"/requests/{request.reference}/"
    assert (request.quantity, request.requester) == (2, cast.researcher)
    rows = request.samples.values_list("name", "quantity", "unit", "hazards")
    assert list(rows) == [("Steel A", Decimal("1.5"), "g", ""), ("Steel B", None, "", "dust")]


def test_a_number_may_be_given_without_a_table(reader: Client, cast: Cast) -> None:
    by_samples(cast)
    reader.post(PAGE, filled(cast, quantity="5"))
    assert ServiceRequest.objects.get().quantity == 5


@pytest.mark.parametrize(
    "fields",
    [
        {"purpose": ""},
        {"end_day": "2026-03-01"},
        {"project": "0"},
        {"programme": "NONE"},
        {},
        {"samples-0-hazards": "dust"},
        {"samples-0-name": "A", "samples-0-quantity": "-1"},
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_sent(
    reader: Client, cast: Cast, fields: dict[str, str]
) -> None:
    by_samples(cast)
    assert reader.post(PAGE, filled(cast, **fields)).status_code == 422
    assert not ServiceRequest.objects.exists()


def test_more_rows_come_without_script_and_keep_what_was_typed(reader: Client, cast: Cast) -> None:
    by_samples(cast)
    answer = reader.post(PAGE, filled(cast, A, purpose="", more="rows"))
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="samples-TOTAL_FORMS" value="8"' in shown
    assert 'name="samples-INITIAL_FORMS" value="0"' in shown
    assert 'value="Steel A"' in shown
    assert 'value="2026-03-02"' in shown
    assert "invalid-feedback" not in shown
    # What comes back from there is sent whole.
    reader.post(PAGE, filled(cast, A, B, B, A, rows=8))
    assert ServiceRequest.objects.get().samples.count() == 4


def test_the_price_by_the_sample_is_shown_before_it_is_sent(reader: Client, cast: Cast) -> None:
    by_samples(cast)
    f.reprice(unit="sample", unit_price=Decimal(100))
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    answer = reader.post(PAGE, filled(cast, A, B, programme="best", ask="price"), headers=CHINESE)
    shown = answer.content.decode()
    assert "200.00" in shown
    assert "¥100.00" in shown
    assert not ServiceRequest.objects.exists()
    f.reprice(unit="hour")
    shown = reader.post(PAGE, filled(cast, A, ask="price"), headers=ENGLISH).content.decode()
    assert "There is no estimate" in shown


def test_the_rules_answer_on_the_page(reader: Client, cast: Cast) -> None:
    by_samples(cast, needs_qualification=True)
    answer = reader.post(PAGE, filled(cast, A), headers=ENGLISH)
    assert answer.status_code == 422
    assert "You need training" in answer.content.decode()


def test_time_is_applied_for_without_voucher_and_samples(reader: Client, cast: Cast) -> None:
    by_time(cast)
    shown = reader.get(PAGE, headers=CHINESE).content.decode()
    assert "申请机时" in shown
    assert 'name="programme"' not in shown
    assert "samples-0-name" not in shown
    assert reader.post(PAGE, filled(cast, unit="shift")).status_code == 422
    reader.post(PAGE, filled(cast, A, quantity="6", unit="shift"))
    request = ServiceRequest.objects.get()
    assert (request.kind, request.unit, request.quantity) == ("proposal", "shift", 6)
    assert not request.samples.exists()


def test_who_is_on_no_project_is_told_so(client: Client, cast: Cast) -> None:
    by_samples(cast)
    client.force_login(f.UserFactory())
    assert "on no project" in client.get(PAGE, headers=ENGLISH).content.decode()
