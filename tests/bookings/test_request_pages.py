"""The pages of requests, runs and allocations."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from bookings.actions.request import request_booking
from bookings.models import Allocation, Run, ServiceRequest
from institutions.models import Role
from institutions.pages.fields import slot_params
from kernel.periods import Period
from tests import factories as f
from tests.bookings.asking import allocate, by_samples, by_time, schedule, submit
from tests.bookings.test_request import NOW, book, hours
from tests.conftest import Cast

CHINESE, ENGLISH = {"accept-language": "zh-hans"}, {"accept-language": "en"}
QUEUE, ALLOCATIONS = "/facility/LAB-SH/requests/", "/facility/LAB-SH/allocations/"


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def read(client: Client, path: str, status: int = 200, headers: dict[str, str] = CHINESE) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status
    return answer.content.decode()


def send(client: Client, path: str, status: int, headers=CHINESE, **data) -> str:
    answer = client.post(path, data, headers=headers)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def signed_in(client: Client, user) -> Client:
    client.force_login(user)
    return client


def run_time(period: Period) -> dict[str, str]:
    return slot_params(period, "Asia/Shanghai")


@pytest.mark.parametrize("path", ["/requests/", "/requests/RQ-1/", QUEUE, ALLOCATIONS])
def test_who_is_not_signed_in_is_asked_to(client: Client, cast: Cast, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/account/login/?next=")


# --- one's own -------------------------------------------------------------------------------


def test_my_requests_are_mine_alone(client: Client, cast: Cast) -> None:
    request = submit(by_samples(cast))
    shown = read(signed_in(client, cast.researcher), "/requests/")
    assert request.reference in shown
    assert "2 个样品" in shown
    assert request.reference not in read(client, "/requests/?show=past")
    assert request.reference in read(client, "/requests/?show=all")
    assert "2 samples" in read(client, "/requests/", headers=ENGLISH)
    assert request.reference not in read(signed_in(client, cast.principal), "/requests/?show=all")


def test_my_requests_take_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    by_samples(cast)
    requests = [submit(cast) for _ in range(6)]
    schedule(cast, *requests[:3])
    read(signed_in(client, cast.researcher), "/requests/")
    with django_assert_max_num_queries(7):
        read(client, "/requests/")


def test_a_request_shows_what_was_asked_and_where_the_samples_are(
    client: Client, cast: Cast
) -> None:
    request = submit(by_samples(cast))
    url = f"/requests/{request.reference}/"
    shown = read(signed_in(client, cast.researcher), url)
    for text in ("Fracture surfaces", "Steel A", "已预告", "已提交", "撤回"):
        assert text in shown
    assert "批准机时" not in shown
    assert 'name="sample"' not in shown
    booking = schedule(cast, request).bookings.get()
    assert f"/bookings/{booking.reference}/" in read(client, url)
    assert url in read(client, f"/bookings/{booking.reference}/")


def test_strangers_do_not_find_a_request(client: Client, cast: Cast) -> None:
    request = submit(by_samples(cast))
    elsewhere = f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)
    for person in (cast.stranger, elsewhere):
        read(signed_in(client, person), f"/requests/{request.reference}/", 404)
        send(client, f"/requests/{request.reference}/withdraw/", 404)
    send(signed_in(client, cast.researcher), f"/requests/{request.reference}/explode/", 404)


def test_a_confidential_request_hides_its_samples_from_offices(client: Client, cast: Cast) -> None:
    request = submit(by_samples(cast), confidential=True)
    shown = read(signed_in(client, cast.payer_office), f"/requests/{request.reference}/")
    assert "Steel A" not in shown
    assert "Fracture" not in shown
    assert "Steel A" in read(signed_in(client, cast.operator), f"/requests/{request.reference}/")


def test_withdrawing_from_the_page(client: Client, cast: Cast) -> None:
    request = submit(by_samples(cast))
    url = f"/requests/{request.reference}/"
    send(signed_in(client, cast.researcher), f"{url}withdraw/", 302, reason="Lost")
    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert "withdraw-form" not in read(client, url)
    assert "已撤回" in send(client, f"{url}withdraw/", 422)


def test_the_facility_moves_samples_and_declines_from_the_page(client: Client, cast: Cast) -> None:
    request = submit(by_samples(cast))
    url = f"/requests/{request.reference}/"
    signed_in(client, cast.operator)
    assert "decline-form" not in read(client, url)
    assert "请勾选" in send(client, f"{url}samples/", 422, to="received")
    send(client, f"{url}samples/", 302, sample=[1, 2], to="received", note="By courier")
    shown = read(client, url)
    assert "By courier" in shown
    assert '<option value="queued" selected>' in shown
    wrong = send(client, f"{url}samples/", 422, sample=[1], to="measured")
    assert "已接收" in wrong
    assert "您的角色" in send(client, f"{url}decline/", 422, reason="no")
    signed_in(client, cast.manager)
    send(client, f"{url}decline/", 422)
    send(client, f"{url}decline/", 302, reason="Too hot")
    assert "Too hot" in read(client, url)


# --- the facility's queue --------------------------------------------------------------------


def test_the_queue_is_for_the_facilitys_staff(client: Client, cast: Cast) -> None:
    request = submit(by_samples(cast))
    for person in (cast.researcher, cast.billing_office, cast.stranger):
        read(signed_in(client, person), QUEUE, 403)
        read(client, ALLOCATIONS, 403)
    shown = read(signed_in(client, cast.operator), QUEUE)
    assert request.reference in shown
    assert 'value="schedule"' not in shown
    assert 'value="schedule"' in read(signed_in(client, cast.manager), QUEUE)


def test_the_queue_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    by_samples(cast)
    for _ in range(6):
        submit(cast)
    read(signed_in(client, cast.manager), QUEUE)
    with django_assert_max_num_queries(11):
        read(client, QUEUE)


@pytest.mark.parametrize("show", ["waiting", "scheduled", "past", "all", "nonsense"])
def test_each_tab_of_the_queue_opens(client: Client, cast: Cast, show: str) -> None:
    submit(by_samples(cast))
    read(signed_in(client, cast.manager), f"{QUEUE}?show={show}")


def test_the_slices_are_shown_before_anything_is_scheduled(client: Client, cast: Cast) -> None:
    by_samples(cast)
    first, second = submit(cast), submit(cast, quantity=Decimal(6))
    sent = run_time(hours(24, 26)) | {"request": [first.reference, second.reference]}
    signed_in(client, cast.manager)
    shown = send(client, QUEUE, 200, decision="preview", **sent)
    assert "08:00–08:30" in shown
    assert "08:30–10:00" in shown
    assert not Run.objects.exists()
    send(client, QUEUE, 302, decision="schedule", **sent)
    run = Run.objects.get()
    assert [booking.request for booking in run.bookings.order_by("during")] == [first, second]
    assert run.reference in read(client, QUEUE)


def test_a_preview_says_what_would_stop_the_run(client: Client, cast: Cast) -> None:
    by_samples(cast)
    schedule(cast, submit(cast))
    request = submit(cast)
    cast.project.valid_until = date(2026, 3, 2)
    cast.project.save()
    sent = run_time(hours(24, 26)) | {"request": request.reference}
    shown = send(signed_in(client, cast.manager), QUEUE, 200, decision="preview", **sent)
    assert "项目 SZ-001" in shown
    assert "该时段已被占用" in shown
    refused = send(client, QUEUE, 422, decision="schedule", **sent)
    assert "SZ-001" in refused
    assert Run.objects.count() == 1


@pytest.mark.parametrize("decision", ["preview", "schedule", "decline"])
def test_a_decision_about_nothing_is_sent_back(client: Client, cast: Cast, decision: str) -> None:
    submit(by_samples(cast))
    sent = run_time(hours(24, 26)) | {"reason": "no", "decision": decision}
    assert "请勾选" in send(signed_in(client, cast.manager), QUEUE, 422, **sent)


def test_a_reference_that_is_no_text_is_unknown(client: Client, cast: Cast) -> None:
    signed_in(client, cast.manager)
    send(client, QUEUE, 422, decision="decline", reason="no", request="RQ\x00")
    send(client, QUEUE, 422, decision="preview", request="RQ\x00", **run_time(hours(24, 26)))
    send(client, ALLOCATIONS, 404, decision="end", allocation="AL\x00")


def test_requests_of_two_instruments_are_not_one_run(client: Client, cast: Cast) -> None:
    by_samples(cast)
    other = f.InstrumentFactory(institution=cast.shanghai_lab, access_mode="sample_submission")
    pair = [submit(cast).reference, submit(cast, instrument=other).reference]
    sent = run_time(hours(24, 26)) | {"request": pair}
    signed_in(client, cast.manager)
    send(client, QUEUE, 422, decision="preview", **sent)
    send(client, QUEUE, 422, decision="schedule", **sent)
    assert not Run.objects.exists()


def test_another_facilitys_request_is_not_to_be_had_here(client: Client, cast: Cast) -> None:
    theirs = f.InstrumentFactory(access_mode="sample_submission")
    request = submit(cast, instrument=theirs)
    sent = run_time(hours(24, 26)) | {"request": request.reference}
    signed_in(client, cast.manager)
    for decision in ("preview", "schedule"):
        send(client, QUEUE, 422, decision=decision, **sent)
    send(client, QUEUE, 302, decision="decline", reason="no", request=request.reference)
    request.refresh_from_db()
    assert request.state == "submitted"


def test_several_are_declined_with_one_reason(client: Client, cast: Cast) -> None:
    by_samples(cast)
    pair = [submit(cast), submit(cast)]
    sent = {"request": [one.reference for one in pair], "decision": "decline"}
    signed_in(client, cast.manager)
    send(client, QUEUE, 422, **sent)
    send(client, QUEUE, 302, reason="Pump broken", **sent)
    assert set(ServiceRequest.objects.values_list("state", flat=True)) == {"declined"}
    assert "已拒绝 2 份" in read(client, QUEUE)


# --- allocations -----------------------------------------------------------------------------


def test_granting_from_the_page_opens_the_calendar_to_the_project(
    client: Client, cast: Cast
) -> None:
    request = submit(by_time(cast), samples=(), quantity=Decimal(20))
    page = f"/instruments/{cast.instrument.code}/"
    signed_in(client, cast.researcher)
    assert 'id="calendar"' not in read(client, page)
    assert f"{page}request/" in read(client, page)
    signed_in(client, cast.manager)
    assert "批准机时" in read(client, f"/requests/{request.reference}/")
    grant = f"/requests/{request.reference}/grant/"
    sent = {"granted": "12", "unit": "hour", "valid_from": "2026-03-01"}
    send(client, grant, 422, **sent)
    send(client, grant, 422, valid_until="2026-03-31", **sent | {"unit": "shift"})
    send(client, grant, 302, valid_until="2026-03-31", **sent)
    assert Allocation.objects.get().granted == 12
    signed_in(client, cast.researcher)
    shown = read(client, page)
    assert 'id="calendar"' in shown
    assert "12" in shown
    assert "剩余" in shown
    assert 'id="calendar"' not in read(signed_in(client, cast.stranger), page)


def test_the_facilitys_allocations_show_what_is_left_and_can_be_changed(
    client: Client, cast: Cast
) -> None:
    allocation = allocate(by_time(cast))
    request_booking(
        by=cast.researcher,
        instrument=cast.instrument,
        period=hours(24, 26.5),
        project=cast.project,
        purpose="Beam",
        at=NOW,
    )
    shown = read(signed_in(client, cast.operator), ALLOCATIONS)
    assert allocation.reference in shown
    assert "7.5" in shown
    assert 'value="end"' not in shown
    sent = {"allocation": allocation.reference, "valid_until": "2026-03-20"}
    send(client, ALLOCATIONS, 302, granted="99", decision="change", **sent)
    signed_in(client, cast.manager)
    assert 'value="end"' in read(client, ALLOCATIONS)
    send(client, ALLOCATIONS, 302, granted="2", decision="change", **sent)
    assert "已使用 2.5" in read(client, ALLOCATIONS)
    send(client, ALLOCATIONS, 302, granted="lots", decision="change", **sent)
    send(client, ALLOCATIONS, 302, granted="20", decision="change", **sent)
    allocation.refresh_from_db()
    assert (allocation.granted, allocation.last_day) == (20, date(2026, 3, 20))
    send(client, ALLOCATIONS, 302, decision="end", **sent)
    assert "已终止" in read(client, ALLOCATIONS)
    allocation.refresh_from_db()
    assert allocation.ended_at == NOW
    send(client, ALLOCATIONS, 404, allocation="AL-NONE", decision="end")


def test_the_list_of_allocations_takes_a_fixed_number_of_queries(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    by_time(cast)
    for _ in range(6):
        allocate(cast)
    read(signed_in(client, cast.manager), ALLOCATIONS)
    with django_assert_max_num_queries(9):
        read(client, ALLOCATIONS)


def test_the_page_of_an_instrument_by_allocation_takes_few_queries(
    client: Client, cast: Cast, django_assert_max_num_queries
) -> None:
    allocate(by_time(cast))
    for start in range(24, 30):
        book(cast, hours(start, start + 1))
    page = f"/instruments/{cast.instrument.code}/"
    read(signed_in(client, cast.researcher), page)
    with django_assert_max_num_queries(16):
        read(client, page)


def test_the_managers_start_page_counts_what_waits(client: Client, cast: Cast) -> None:
    submit(by_samples(cast))
    assert QUEUE in read(signed_in(client, cast.manager), "/")
    assert QUEUE not in read(signed_in(client, cast.researcher), "/")


def test_lists_and_facility_pages_lead_to_each_other(client: Client, cast: Cast) -> None:
    signed_in(client, cast.manager)
    assert QUEUE in read(client, "/facility/LAB-SH/bookings/")
    assert ALLOCATIONS in read(client, QUEUE)
    assert 'href="/requests/"' in read(client, "/bookings/")
