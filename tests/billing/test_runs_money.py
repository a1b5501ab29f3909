"""The money of a run: each slice is priced, held, captured and given back as any booking."""

from decimal import Decimal

import pytest
import time_machine

from billing.models import Allotment, Charge, Pool, ProgrammeTerms, Redemption
from bookings.actions.cancel import cancel_booking
from bookings.actions.complete import complete_booking
from bookings.actions.consent import consent_to_booking
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import Booking, Run
from institutions.models import Project
from kernel.refusals import Malformed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.bookings.asking import allocate, by_samples, by_time, schedule, submit
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def voucher(cast: Cast) -> Cast:
    """¥100 a sample, half of it from Suzhou's pool, of which the firm has ¥300."""
    by_samples(cast)
    f.reprice(unit="sample", unit_price=Decimal(100))
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm, cap=300)
    return cast


def books_add_up() -> None:
    held = sum(row.held_amount for row in Redemption.objects.filter(state="held"))
    assert sum(row.held for row in Allotment.objects.all()) == held
    captured = sum(row.captured_amount for row in Redemption.objects.filter(state="captured"))
    assert sum(row.captured for row in Allotment.objects.all()) == captured
    assert sum(row.committed for row in Pool.objects.all()) == held + captured


def prices(run: Run) -> list[tuple[str, str, str]]:
    return [
        (one.price["gross"], one.price["voucher"], one.price["net"])
        for one in run.bookings.order_by("during")
    ]


def test_nothing_is_held_before_a_request_is_scheduled(voucher: Cast) -> None:
    submit(voucher, programme="HU-SU")
    assert not Redemption.objects.exists()
    assert Allotment.objects.get().held == 0


def test_each_slice_is_priced_by_its_samples_and_the_voucher_goes_round_in_order(
    voucher: Cast,
) -> None:
    requests = [submit(voucher, programme="best", quantity=Decimal(n)) for n in (2, 3, 4)]
    run = schedule(voucher, *requests)
    # The allotment's ¥300 is less than half of the whole: the last gets what is left.
    assert prices(run) == [
        ("200.00", "100.00", "100.00"),
        ("300.00", "150.00", "150.00"),
        ("400.00", "50.00", "350.00"),
    ]
    assert Allotment.objects.get().held == 300
    assert Project.objects.get(pk=voucher.project.pk).held == 600
    books_add_up()


def test_a_run_of_two_payers_holds_the_money_of_each(voucher: Cast) -> None:
    other_firm = f.InstitutionFactory(kind="enterprise", region=f.region("320571"))
    other = f.person(other_firm)
    theirs = submit(voucher, by=other, project=f.project(other_firm, other), programme="best")
    run = schedule(voucher, submit(voucher, programme="HU-SU"), theirs)
    assert prices(run) == [("200.00", "100.00", "100.00"), ("200.00", "0.00", "200.00")]
    books_add_up()


def test_where_money_says_no_to_one_nothing_of_the_run_is_left_behind(voucher: Cast) -> None:
    requests = [submit(voucher, programme="HU-SU", quantity=Decimal(6)) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        schedule(voucher, *requests)
    assert codes(refused) == ["voucher_not_eligible"]
    assert not Run.objects.exists()
    assert not Booking.objects.exists()
    assert Allotment.objects.get().held == 0
    for request in requests:
        request.refresh_from_db()
        assert request.state == "submitted"


def test_the_projects_budget_covers_the_whole_run_or_none_of_it(voucher: Cast) -> None:
    change(voucher.project, budget=Decimal(300))
    requests = [submit(voucher), submit(voucher)]
    with pytest.raises(Refused) as refused:
        schedule(voucher, *requests)
    assert codes(refused) == ["budget_exceeded"]
    assert schedule(voucher, requests[0]).bookings.count() == 1


def test_above_the_threshold_each_slice_waits_for_its_principal(voucher: Cast) -> None:
    change(voucher.project, consent_above=Decimal(250))
    small, large = submit(voucher), submit(voucher, quantity=Decimal(3))
    run = schedule(voucher, small, large)
    states = run.bookings.order_by("during").values_list("state", flat=True)
    assert list(states) == ["approved", "awaiting_principal"]
    consented = consent_to_booking(by=voucher.principal, booking=large.bookings.get(), at=NOW)
    assert consented.state == "approved"


def test_use_is_charged_slice_by_slice_and_a_withdrawn_one_is_given_back(voucher: Cast) -> None:
    first, second = (submit(voucher, programme="best") for _ in range(2))
    schedule(voucher, first, second, period=hours(48, 50))
    withdraw_request(by=voucher.researcher, request=second, at=NOW)
    assert Allotment.objects.get().held == 100
    complete_booking(
        by=voucher.operator,
        booking=first.bookings.get(),
        during=hours(48, 49),
        quantity=Decimal(1),
        at=NOW + 51 * HOUR,
    )
    charge = Charge.objects.get()
    assert (charge.gross, charge.voucher, charge.net) == (100, 50, 50)
    assert Allotment.objects.get().available == 250
    books_add_up()


def test_whoever_withdraws_late_owes_the_late_fee(voucher: Cast) -> None:
    request = submit(voucher, programme="best")
    schedule(voucher, request)
    withdraw_request(by=voucher.researcher, request=request, at=NOW + 20 * HOUR)
    assert Charge.objects.get().gross == 100
    books_add_up()


def test_a_programme_that_nobody_knows_is_malformed_when_it_is_asked_for(voucher: Cast) -> None:
    with pytest.raises(Malformed) as caught:
        submit(voucher, programme="NONE")
    assert list(caught.value.errors) == ["programme"]


def test_the_price_by_the_sample_is_estimated_with_the_request(voucher: Cast, api: type) -> None:
    with time_machine.travel(NOW, tick=False):
        request = submit(voucher, programme="best")
        shown = api(voucher.researcher).get(f"/api/v1/requests/{request.reference}/").json()
        estimate = shown["estimate"]
        assert (estimate["gross"], estimate["voucher"], estimate["net"]) == (
            "200.00",
            "100.00",
            "100.00",
        )
        f.reprice(unit="hour")
        shown = api(voucher.researcher).get("/api/v1/requests/").json()["results"][0]
        assert shown["estimate"] is None


def test_a_list_with_estimates_takes_a_fixed_number_of_queries(
    voucher: Cast, api: type, django_assert_max_num_queries
) -> None:
    for _ in range(6):
        submit(voucher, programme="best")
    with django_assert_max_num_queries(9):
        shown = api(voucher.manager).get("/api/v1/requests/").json()["results"]
    assert [row["estimate"]["gross"] for row in shown] == ["200.00"] * 6


def test_hours_by_allocation_are_paid_like_any_booking(cast: Cast) -> None:
    allocation = allocate(by_time(cast))
    booking = book(cast)
    assert booking.price["gross"] == "2000.00"
    cancel_booking(by=cast.manager, booking=booking, at=NOW)
    allocation.refresh_from_db()
    assert (allocation.drawn, Project.objects.get(pk=cast.project.pk).held) == (0, 0)


def test_where_money_says_no_nothing_is_drawn(cast: Cast) -> None:
    allocation = allocate(by_time(cast))
    change(cast.project, budget=Decimal(100))
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["budget_exceeded"]
    allocation.refresh_from_db()
    assert allocation.drawn == 0


def test_a_request_brings_the_order_number_that_the_programme_asks_for(voucher: Cast) -> None:
    ProgrammeTerms.objects.update(needs_order_number=True)
    without = submit(voucher, programme="HU-SU", quantity=Decimal(2))
    with pytest.raises(Refused) as caught:
        schedule(voucher, without)
    assert codes(caught) == ["order_number_missing"]
    run = schedule(voucher, submit(voucher, programme="HU-SU", order_number="SH-1"))
    assert run.bookings.get().order_number == "SH-1"
    assert Redemption.objects.get().consented_by == voucher.researcher
