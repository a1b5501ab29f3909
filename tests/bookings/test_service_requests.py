"""Asking for measurements where there are no slots, and where the samples are."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError

from bookings.actions.decline_request import decline_request
from bookings.actions.move_samples import move_samples
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import (
    Booking,
    Occupancy,
    RequestEvent,
    Sample,
    SampleEvent,
    ServiceRequest,
)
from bookings.request_states import (
    REQUEST_TRANSITIONS,
    SAMPLE_TRANSITIONS,
    RequestState,
    SampleState,
)
from institutions.models import ProjectMember, Role
from kernel.periods import Period
from kernel.refusals import Malformed, NotAllowed, Refused, WrongState
from tests import factories as f
from tests.bookings.asking import by_samples, by_time, schedule, submit
from tests.bookings.test_database import sql
from tests.bookings.test_request import HOUR, NOW, book, change, codes


def test_a_request_is_submitted_with_its_samples_and_takes_neither_time_nor_money(cast):
    request = submit(by_samples(cast))
    assert (request.state, request.kind, request.unit) == ("submitted", "sample_submission", "")
    assert request.reference.startswith("RQ-")
    samples = request.samples.values_list("number", "name", "state")
    assert list(samples) == [(1, "Steel A", "announced"), (2, "Steel B", "announced")]
    event = RequestEvent.objects.get()
    assert (event.from_state, event.to_state, event.by) == ("", "submitted", cast.researcher)
    assert not Booking.objects.exists()
    assert not Occupancy.objects.exists()


def test_no_more_samples_are_listed_than_are_asked_for_and_priced(cast):
    with pytest.raises(Refused) as refused:
        submit(by_samples(cast), quantity=Decimal(1))
    assert codes(refused) == ["more_samples_than_asked"]
    assert refused.value.refusals[0].params == {"listed": 2, "quantity": "1"}
    assert not ServiceRequest.objects.exists()
    assert submit(cast, quantity=Decimal(3)).samples.count() == 2


def test_time_is_applied_for_in_hours_or_in_shifts(cast):
    by_time(cast)
    assert submit(cast, samples=()).unit == "hour"
    assert submit(cast, unit="shift", samples=()).unit == "shift"


def test_an_instrument_with_slots_takes_no_requests(cast):
    with pytest.raises(Refused) as refused:
        submit(cast)
    assert codes(refused) == ["not_by_request"]


def test_the_rules_about_people_hold_for_requests_too(cast):
    by_samples(cast, needs_qualification=True, status="out_of_service")
    change(cast.project, valid_from=date(2027, 1, 1))
    with pytest.raises(Refused) as refused:
        submit(cast, by=cast.stranger, wanted=Period(NOW - 48 * HOUR, NOW))
    assert codes(refused) == [
        "out_of_service",
        "in_the_past",
        "not_qualified",
        "not_project_member",
        "project_not_valid",
    ]
    assert not ServiceRequest.objects.exists()


def test_a_wish_spans_a_year_at_most(cast):
    by_samples(cast)
    submit(cast, wanted=Period(NOW, NOW + timedelta(days=366)))
    with pytest.raises(Refused) as refused:
        submit(cast, wanted=Period(NOW, NOW + timedelta(days=366, minutes=1)))
    assert codes(refused) == ["window_too_long"]


def test_slot_bookings_by_users_are_still_refused(cast):
    by_samples(cast)
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["by_request_only"]


def test_the_requester_and_the_principal_may_withdraw_others_may_not(cast):
    request = submit(by_samples(cast))
    colleague = f.UserFactory()
    ProjectMember.objects.create(project=cast.project, user=colleague)
    for person in (colleague, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            withdraw_request(by=person, request=request, at=NOW)
    assert withdraw_request(by=cast.principal, request=request, at=NOW).state == "withdrawn"
    with pytest.raises(WrongState) as wrong:
        withdraw_request(by=cast.researcher, request=request, at=NOW)
    assert wrong.value.state == "withdrawn"


def test_the_manager_declines_with_a_reason(cast):
    request = submit(by_samples(cast))
    for person in (cast.operator, cast.researcher, cast.principal):
        with pytest.raises(NotAllowed):
            decline_request(by=person, request=request, reason="no", at=NOW)
    declined = decline_request(by=cast.manager, request=request, reason="Too hot", at=NOW)
    assert (declined.state, declined.events.last().reason) == ("declined", "Too hot")


def test_one_that_is_scheduled_is_not_declined_over_its_booking(cast):
    request = submit(by_samples(cast))
    schedule(cast, request)
    with pytest.raises(WrongState) as wrong:
        decline_request(by=cast.manager, request=request, reason="no", at=NOW)
    assert wrong.value.state == "scheduled"


# --- samples ---------------------------------------------------------------------------------


def test_staff_move_samples_one_by_one_or_several_at_once(cast):
    request = submit(by_samples(cast))
    go = {"request": request, "at": NOW}
    move_samples(by=cast.operator, numbers=[1, 2], to=SampleState.RECEIVED, **go)
    move_samples(by=cast.manager, numbers=[2], to=SampleState.QUEUED, note="Shelf 3", **go)
    assert [sample.state for sample in request.samples.all()] == ["received", "queued"]
    event = SampleEvent.objects.last()
    assert (event.from_state, event.to_state, event.note) == ("received", "queued", "Shelf 3")
    assert (event.by, SampleEvent.objects.count()) == (cast.manager, 3)


def test_of_several_samples_all_move_or_none(cast):
    request = submit(by_samples(cast))
    go = {"by": cast.operator, "request": request, "at": NOW}
    move_samples(numbers=[1], to=SampleState.RECEIVED, **go)
    with pytest.raises(WrongState) as wrong:
        move_samples(numbers=[1, 2], to=SampleState.QUEUED, **go)
    assert wrong.value.state == "announced"
    assert SampleEvent.objects.count() == 1
    assert request.samples.get(number=1).state == "received"


@pytest.mark.parametrize("numbers", [[], [3], [1, 3]])
def test_samples_that_the_request_does_not_have_are_unknown(cast, numbers):
    request = submit(by_samples(cast))
    with pytest.raises(Malformed):
        move_samples(
            by=cast.operator, request=request, numbers=numbers, to=SampleState.RECEIVED, at=NOW
        )


def test_only_the_facilitys_staff_handle_samples(cast):
    request = submit(by_samples(cast))
    elsewhere = f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)
    for person in (cast.researcher, cast.billing_office, elsewhere):
        with pytest.raises(NotAllowed):
            move_samples(by=person, request=request, numbers=[1], to=SampleState.RECEIVED, at=NOW)


def test_samples_of_a_request_that_is_off_are_only_sent_back_or_destroyed(cast):
    request = submit(by_samples(cast))
    go = {"by": cast.operator, "request": request, "at": NOW}
    move_samples(numbers=[1], to=SampleState.RECEIVED, **go)
    withdraw_request(by=cast.researcher, request=request, at=NOW)
    with pytest.raises(Refused) as refused:
        move_samples(numbers=[2], to=SampleState.RECEIVED, **go)
    assert codes(refused) == ["request_is_off"]
    [sample] = move_samples(numbers=[1], to=SampleState.RETURNED, **go)
    assert sample.state == "returned"


# --- what the database watches over ----------------------------------------------------------


def way_to(state, table, first):
    """Legal steps from `first` to `state`."""
    ways = {first: []}
    for _round in table:
        for origin, targets in table.items():
            for target in targets:
                if origin in ways:
                    ways.setdefault(target, [*ways[origin], target])
    return ways[state]


def passes(table: str, pk: int, steps: list[str]) -> bool:
    """Whether plain SQL may go these steps; leaves nothing behind."""
    from django.db import transaction

    with transaction.atomic():
        try:
            for step in steps:
                sql(f"UPDATE {table} SET state = %s WHERE id = %s", step, pk)
        except DatabaseError:
            return False
        finally:
            transaction.set_rollback(True)
    return True


def test_the_trigger_knows_the_same_table_of_samples_as_the_code(cast):
    sample = submit(by_samples(cast)).samples.get(number=1)
    first = SampleState.ANNOUNCED
    passed = {
        (origin, target)
        for origin in SampleState
        for target in set(SampleState) - {origin}
        if passes(
            "bookings_sample", sample.pk, [*way_to(origin, SAMPLE_TRANSITIONS, first), target]
        )
    }
    assert passed == {(a, b) for a, targets in SAMPLE_TRANSITIONS.items() for b in targets}


def test_the_trigger_knows_the_same_table_of_requests_as_the_code(cast):
    samples = submit(by_samples(cast))
    time = submit(by_time(cast), samples=())
    first = RequestState.SUBMITTED
    passed = {
        (origin, target)
        for origin in RequestState
        for target in set(RequestState) - {origin}
        for request in (samples, time)
        if passes(
            "bookings_servicerequest",
            request.pk,
            [*way_to(origin, REQUEST_TRANSITIONS, first), target],
        )
    }
    assert passed == {(a, b) for a, targets in REQUEST_TRANSITIONS.items() for b in targets}


@pytest.mark.parametrize(
    "change_",
    [
        "quantity = 0",
        "quantity = 'NaN'",
        "wanted = 'empty'",
        "state = 'granted'",
        "instrument_id = instrument_id + 1",
        "reference = 'RQ-0'",
    ],
)
def test_a_request_stays_as_it_was_asked(cast, change_):
    request = submit(by_samples(cast))
    with pytest.raises(DatabaseError):
        sql(f"UPDATE bookings_servicerequest SET {change_} WHERE id = %s", request.pk)


def test_requests_samples_and_their_histories_are_never_deleted_or_rewritten(cast):
    request = submit(by_samples(cast))
    move_samples(by=cast.operator, request=request, numbers=[1], to=SampleState.RECEIVED, at=NOW)
    for table in ("servicerequest", "requestevent", "sample", "sampleevent"):
        with pytest.raises(DatabaseError):
            sql(f"DELETE FROM bookings_{table}")
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_requestevent SET to_state = 'declined'")
    with pytest.raises(DatabaseError):
        sql("UPDATE bookings_sampleevent SET to_state = 'queued'")
    sql("UPDATE bookings_requestevent SET reason = ''")
    sql("UPDATE bookings_sampleevent SET note = ''")
    sql("UPDATE bookings_sample SET name = '', notes = '', hazards = ''")


def test_two_samples_of_a_request_do_not_share_a_number(cast):
    request = submit(by_samples(cast))
    with pytest.raises(IntegrityError, match="sample_number_once"):
        Sample.objects.create(request=request, number=1, name="x", state="announced")


def test_a_sample_weighs_something_or_nothing_is_said(cast):
    sample = submit(by_samples(cast)).samples.get(number=1)
    assert sample.quantity is None
    with pytest.raises(IntegrityError, match="sample_amount_positive"):
        Sample.objects.create(
            request=sample.request, number=9, name="x", quantity=Decimal(0), state="announced"
        )


def test_requests_are_seen_by_their_project_the_facility_and_both_offices_alone(cast):
    request = submit(by_samples(cast))
    colleague = f.UserFactory()
    ProjectMember.objects.create(project=cast.project, user=colleague)
    elsewhere = f.person(f.InstitutionFactory(), Role.FACILITY_MANAGER)
    seen = {
        person: ServiceRequest.objects.visible_to(person).filter(pk=request.pk).exists()
        for person in (
            *(cast.researcher, colleague, cast.principal, cast.manager, cast.operator),
            *(cast.billing_office, cast.payer_office, cast.stranger, elsewhere),
        )
    }
    assert list(seen.values()) == [True] * 7 + [False] * 2


def test_a_confidential_request_shows_its_purpose_to_insiders_alone(cast):
    request = submit(by_samples(cast), confidential=True)

    def shows(person):
        return ServiceRequest.objects.readable_by(person).get(pk=request.pk).shows_purpose

    assert shows(cast.researcher)
    assert shows(cast.operator)
    assert not shows(cast.payer_office)


def test_a_window_that_has_begun_may_be_wished_for_still(cast):
    wanted = Period(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert submit(by_samples(cast), wanted=wanted).period == wanted
