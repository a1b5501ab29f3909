"""Sixty-four clients of a running server want the last of one allotment and of one pool."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from billing.actions.apply_for_allotment import apply_for_allotment
from billing.actions.decide_application import grant_application
from billing.actions.set_terms import set_terms
from billing.actions.suspend_allotment import suspend_allotment
from billing.models import Allotment, Pool, ProgrammeTerms, Redemption
from institutions.models import ControllingGroup, GroupMember, Institution, Project
from kernel import clock
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast
from tests.invariants import money_adds_up
from tests.race.conftest import at_once, race, signed_in
from tests.race.test_vouchers import holding

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
CLIENTS = 64
SHARE = Decimal(1_000)


def this_year(cast: Cast, *, cap: Any, pool: Any, **fields: Any) -> ProgrammeTerms:
    """A programme around the day on which the server runs, the firm's allotment and its pool."""
    now = clock.now()
    terms = b.terms(
        valid_from=now.date() - timedelta(days=1),
        valid_until=now.date().replace(year=2099),
        **fields,
    )
    for year in (now.year, now.year + 1):
        b.pool(terms, amount=pool, year=year)
        b.allotment(terms, cast.suzhou_firm, cap=cap, year=year)
    return terms


def bodies(cast: Cast, projects: list[Project], programme: str) -> list[dict[str, Any]]:
    """An instrument each, so that they want nothing of each other but the money."""
    start = (clock.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    return [
        {
            "instrument": f.InstrumentFactory(institution=cast.shanghai_lab).code,
            "start": start.isoformat(),
            "end": (start + timedelta(hours=2)).isoformat(),
            "project": f"{project.institution.code}:{project.code}",
            "programme": programme,
            "purpose": "A race",
        }
        for project in projects
    ]


def answers(address: str, cast: Cast, wanted: list[dict[str, Any]]) -> list[requests.Response]:
    headers = signed_in(cast.researcher)

    def post(body: dict[str, Any]) -> Any:
        return lambda: _patiently(address, headers, body)

    return at_once([post(body) for body in wanted])


def _patiently(address: str, headers: dict[str, str], body: dict[str, Any]) -> requests.Response:
    """Who is told that the house is busy asks again, as the answer says."""
    for _attempt in range(20):
        answer = requests.post(
            f"{address}/api/v1/bookings/", json=body, headers=headers, timeout=60
        )
        if answer.status_code != 503:
            break
    return answer


def given(found: list[requests.Response]) -> list[Decimal]:
    """What each of those who were served was promised."""
    return [Decimal(one.json()["price"]["voucher"]) for one in found if one.status_code == 201]


def test_an_allotment_is_shared_to_its_end_and_the_sums_are_those_of_the_answers(
    server: str, cast: Cast
) -> None:
    this_year(cast, cap=10_250, pool=1_000_000)
    # A project each: on one they would wait for each other before they come to the allotment.
    firm = cast.suzhou_firm
    projects = [f.project(firm, cast.principal, cast.researcher) for _ in range(CLIENTS)]
    found = answers(server, cast, bodies(cast, projects, "best"))
    assert Counter(one.status_code for one in found) == {201: CLIENTS}
    assert Counter(given(found)) == {SHARE: 10, Decimal(250): 1, Decimal(0): CLIENTS - 11}
    _sums_are(given(found), 10_250)


def test_a_pool_is_shared_to_its_end_and_the_others_are_told_so(server: str, cast: Cast) -> None:
    terms = this_year(cast, cap=300_000, pool=10_250)
    projects = []
    for _ in range(CLIENTS):
        firm = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
        for year in (clock.now().year, clock.now().year + 1):
            b.allotment(terms, firm, cap=300_000, year=year)
        projects.append(f.project(firm, f.person(firm), cast.researcher))
    found = answers(server, cast, bodies(cast, projects, "HU-SU"))
    assert Counter(one.status_code for one in found) == {201: 11, 422: CLIENTS - 11}
    for one in found:
        if one.status_code == 422:
            [refusal] = one.json()["refusals"]
            assert refusal["params"]["reasons"] == ["pool_exhausted"]
    _sums_are(given(found), 10_250)


def _sums_are(promised: list[Decimal], total: int) -> None:
    assert sum(promised) == total
    rows = Redemption.objects.filter(state="held")
    assert sorted(row.held_amount for row in rows) == sorted(one for one in promised if one)
    assert sum(one.held for one in Allotment.objects.all()) == total
    assert sum(one.committed for one in Pool.objects.all()) == total
    money_adds_up()


def sisters(cast: Cast, terms: ProgrammeTerms, number: int) -> list[Project]:
    """Projects of firms under one hand with the Suzhou firm."""
    group = ControllingGroup.objects.create(name_zh="集团", name_en="Group")
    GroupMember.objects.create(group=group, institution=cast.suzhou_firm)
    made = []
    for _ in range(number):
        firm: Institution = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
        GroupMember.objects.create(group=group, institution=firm)
        b.allotment(terms, firm)
        made.append(f.project(firm, f.person(firm)))
    return made


def test_a_group_never_uses_more_than_its_cap_together(cast: Cast) -> None:
    terms = b.terms(cap_per="group", annual_cap=Decimal(5_250))
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    projects = [cast.project, *sisters(cast, terms, 7)] * 2
    bookings = [b.booking(cast, programme="best", project=one) for one in projects]
    found = race([holding(one) for one in bookings])
    assert sorted(found) == [0] * 10 + [250] + [1_000] * 5
    money_adds_up()


def test_an_allotment_is_suspended_before_or_after_a_hold(cast: Cast) -> None:
    office = p.officer("320500")
    for round_ in range(4):
        terms = b.terms(f"ROUND-{round_}")
        b.pool(terms)
        allotment = b.allotment(terms, cast.suzhou_firm)
        booking = b.booking(cast, programme=f"ROUND-{round_}")

        def suspend(allotment: Allotment = allotment) -> str:
            suspend_allotment(by=office, allotment=allotment, reason="x", at=f.MONDAY)
            return "suspended"

        held, turned = race([holding(booking), suspend])
        assert turned == "suspended"
        assert held in (Decimal(1_000), ["voucher_not_eligible"])
        allotment.refresh_from_db()
        assert allotment.held == (held if isinstance(held, Decimal) else 0)
    money_adds_up()


def test_two_who_grant_one_application_grant_it_once(cast: Cast) -> None:
    terms = b.terms()
    b.pool(terms)
    application = apply_for_allotment(
        by=cast.payer_office,
        programme=terms.programme,
        holder=cast.suzhou_firm,
        year=2026,
        amount=Decimal(1_000),
        purpose="x",
        at=f.MONDAY,
    )
    offices = [p.officer("320500"), p.officer("310000")]

    def granting(by: Any) -> Any:
        return lambda: grant_application(by=by, application=application, at=f.MONDAY).state

    assert sorted(race([granting(one) for one in offices])) == ["granted", "wrong_state"]
    assert Allotment.objects.get().events.count() == 1


def test_two_who_set_rules_at_once_leave_one_line_of_versions(cast: Cast) -> None:
    terms = b.terms()
    office = p.officer("310000")
    regions = [f.region("310000"), f.region("320500")]

    def setting() -> str:
        set_terms(
            by=office,
            programme=terms.programme,
            rules=p.rules(),
            holder_regions=regions,
            provider_regions=regions,
            valid_from=p.NEXT_MONTH,
            valid_until=terms.valid_until,
            at=f.MONDAY,
        )
        return "set"

    assert sorted(race([setting, setting]), key=str) == [["terms_overlap"], "set"]
    assert list(terms.programme.terms.values_list("version", flat=True)) == [1, 2]
