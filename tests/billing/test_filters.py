"""Filters of lists have the same names everywhere: `institution` is the provider, too."""

from typing import Any

import pytest
import time_machine

from tests import factories as f
from tests.billing import deposits as d
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
BOTH = [
    "charges/",
    "statements/",
    "credit-notes/",
    "write-offs/",
    "fapiao-requests/",
    "fapiao-exports/",
    "dispatches/",
    "deposits/",
    "deposit-moves/",
    "deposit-refunds/",
    "redemptions/",
    "admissions/",
    "billing-exceptions/",
]


@pytest.fixture(autouse=True)
def on_a_monday() -> Any:
    with time_machine.travel(f.MONDAY, tick=False):
        yield


def count(client: Any, path: str, **query: Any) -> int:
    answer = client.get(V1 + path, query)
    assert answer.status_code == 200, answer.json()
    return int(answer.json()["count"])


@pytest.mark.parametrize("path", BOTH)
def test_a_list_takes_either_name_of_the_provider_and_no_two_that_differ(
    cast: Cast, api: Any, path: str
) -> None:
    office = api(cast.billing_office)
    for name in ("provider", "institution"):
        assert count(office, path, **{name: "NOBODY"}) == 0
    same = {"provider": "LAB-SH", "institution": "LAB-SH"}
    assert office.get(V1 + path, same).status_code == 200
    assert office.get(V1 + path, same | {"provider": "FIRM-SZ"}).status_code == 400


def test_charges_and_mails_are_filtered_by_what_they_belong_to(cast: Cast, api: Any) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    office = api(cast.billing_office)
    statement = d.issued(cast, b.used(cast, b.held(cast, programme="HU-SU")), at=f.MONDAY)
    b.used(cast, b.held(cast))
    assert count(office, "charges/") == 2
    for wanted in ({"programme": "HU-SU"}, {"statement": statement.reference}):
        assert count(office, "charges/", **wanted) == 1
    assert count(office, "charges/", kind="use", institution="LAB-SH") == 2
    assert count(office, "charges/", kind="no_show") == 0
    assert count(office, "statements/", institution="LAB-SH") == 1
    assert count(office, "statements/", institution="FIRM-SZ") == 0
    sent = count(office, "dispatches/")
    assert sent == count(office, "dispatches/", institution="LAB-SH")
    holder = api(cast.payer_office)
    assert count(holder, "allotments/", programme="HU-SU", holder="FIRM-SZ") == 1
    assert count(holder, "allotments/", programme="G60") == 0
