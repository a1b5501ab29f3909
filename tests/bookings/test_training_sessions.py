"""Sessions take the instrument's time; people take places; attendance qualifies."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from bookings.actions import claims
from bookings.actions.plan_training import cancel_training, plan_training
from bookings.actions.take_part import record_attendance, sign_up, withdraw
from bookings.models import Booking, Occupancy, Resource, TrainingPlace, TrainingSession
from bookings.needs import Claim
from institutions.models import Role
from instruments.models import Qualification
from kernel.refusals import NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.test_database import committed, sql
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours

START, END = NOW + 48 * HOUR, NOW + 50 * HOUR


def plan(cast, **changes) -> TrainingSession:
    wanted = {
        "by": cast.manager,
        "instrument": cast.instrument,
        "period": hours(48, 50),
        "places": 2,
        "trainer": cast.operator,
        "level": 1,
        "valid_months": 12,
        "at": NOW,
    }
    return plan_training(**{**wanted, **changes})


def test_a_session_takes_every_seat(cast):
    change(cast.instrument, capacity=3)
    session = plan(cast)
    rows = Occupancy.objects.filter(training=session)
    assert [(row.kind, row.during) for row in rows] == [("training", session.during)] * 3
    with pytest.raises(SlotTaken):
        book(cast, hours(49, 51))
    assert book(cast, hours(50, 51)).state == "approved"


def test_a_session_over_a_booking_is_refused_with_what_is_in_the_way(cast):
    change(cast.instrument, capacity=2)
    booking = book(cast, hours(49, 51))
    with pytest.raises(SlotTaken) as taken:
        plan(cast)
    assert taken.value.bookings == [booking.reference]
    assert not TrainingSession.objects.exists()
    assert not Occupancy.objects.filter(kind="training").exists()


def test_a_hold_that_has_run_out_does_not_keep_a_session_away(cast):
    until = NOW + timedelta(minutes=10)
    book(cast, hours(100, 101))  # makes the seat
    held = Booking.objects.create(
        reference="BK-HELD-HELD",
        instrument=cast.instrument,
        requester=cast.principal,
        project=cast.project,
        state="held",
        during=hours(48, 50).as_range(),
        created_at=NOW,
    )
    claims.claim(held, [Claim(Resource.objects.get(), hours(48, 50))], held_until=until)
    with pytest.raises(SlotTaken):
        plan(cast)
    assert plan(cast, at=until).state == "planned"


def test_only_the_facilitys_manager_plans_and_cancels(cast):
    session = plan(cast)
    for person in (cast.operator, cast.researcher, cast.billing_office, cast.stranger):
        with pytest.raises(NotAllowed):
            plan(cast, by=person, period=hours(60, 61))
        with pytest.raises(NotAllowed):
            cancel_training(by=person, session=session, at=NOW)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"period": hours(-1, 1)}, "in_the_past"),
        ({"trainer": "researcher"}, "no_such_trainer"),
    ],
)
def test_each_reason_against_a_session_has_its_code(cast, changes, code):
    if "trainer" in changes:
        changes = {"trainer": cast.researcher}
    with pytest.raises(Refused) as refused:
        plan(cast, **changes)
    assert codes(refused) == [code]


def test_a_cancelled_session_gives_its_time_back(cast):
    session = plan(cast)
    sign_up(by=cast.researcher, session=session, at=NOW)
    assert cancel_training(by=cast.manager, session=session, at=NOW).state == "cancelled"
    assert book(cast, hours(48, 50)).state == "approved"
    with pytest.raises(WrongState):
        cancel_training(by=cast.manager, session=session, at=NOW)
    with pytest.raises(WrongState):
        sign_up(by=cast.principal, session=session, at=NOW)
    with pytest.raises(WrongState):
        record_attendance(by=cast.operator, session=session, attended=[], at=END)
    assert session.participants.get().state == "signed_up"


def refused_code(action, **arguments) -> str:
    with pytest.raises(Refused) as refused:
        action(**arguments)
    return codes(refused)[0]


def test_places_are_limited_and_come_free_again(cast):
    session = plan(cast, places=1)
    assert sign_up(by=cast.researcher, session=session, at=NOW).left == 0
    assert refused_code(sign_up, by=cast.principal, session=session, at=NOW) == "session_full"
    assert withdraw(by=cast.researcher, session=session, at=NOW).left == 1
    assert refused_code(withdraw, by=cast.researcher, session=session, at=NOW) == "not_signed_up"
    assert sign_up(by=cast.principal, session=session, at=NOW).left == 0


def test_nobody_has_two_places(cast):
    session = plan(cast)
    sign_up(by=cast.researcher, session=session, at=NOW)
    code = refused_code(sign_up, by=cast.researcher, session=session, at=NOW)
    assert code == "already_signed_up"
    withdraw(by=cast.researcher, session=session, at=NOW)
    sign_up(by=cast.researcher, session=session, at=NOW)
    session.refresh_from_db()
    assert session.taken == 1


def test_a_manager_signs_others_up_and_nobody_else_does(cast):
    session = plan(cast)
    sign_up(by=cast.manager, session=session, person=cast.researcher, at=NOW)
    place = session.participants.get()
    assert (place.user, place.signed_up_by) == (cast.researcher, cast.manager)
    elsewhere = f.person(f.InstitutionFactory(), "facility_manager")
    for who in (cast.operator, cast.principal, cast.stranger, elsewhere):
        with pytest.raises(NotAllowed):
            sign_up(by=who, session=session, person=cast.payer_office, at=NOW)
    code = refused_code(sign_up, by=cast.manager, session=session, person=cast.researcher, at=NOW)
    assert code == "already_signed_up"


def test_nobody_gives_up_somebody_elses_place(cast):
    session = plan(cast)
    sign_up(by=cast.researcher, session=session, at=NOW)
    assert refused_code(withdraw, by=cast.principal, session=session, at=NOW) == "not_signed_up"
    assert session.participants.get().state == "signed_up"


def test_once_it_has_begun_nobody_comes_or_goes(cast):
    session = plan(cast)
    sign_up(by=cast.researcher, session=session, at=NOW)
    assert refused_code(sign_up, by=cast.principal, session=session, at=START) == "session_begun"
    code = refused_code(withdraw, by=cast.researcher, session=session, at=START)
    assert code == "session_begun"


def states(session) -> dict[int, str]:
    return dict(session.participants.values_list("user", "state"))


def test_who_attended_is_qualified_and_who_did_not_is_not(cast):
    session = plan(cast, level=2)
    for person in (cast.researcher, cast.principal):
        sign_up(by=person, session=session, at=NOW)
    emails = [cast.researcher.email]
    done = record_attendance(by=cast.operator, session=session, attended=emails, at=END)
    assert done.state == "completed"
    assert states(session) == {cast.researcher.pk: "attended", cast.principal.pk: "absent"}
    held = Qualification.objects.get()
    assert (held.user, held.instrument, held.level) == (cast.researcher, cast.instrument, 2)
    assert (held.valid_until, held.granted_by) == (date(2027, 3, 4), cast.operator)


def test_somebody_who_was_forgotten_is_added_later(cast):
    session = plan(cast)
    for person in (cast.researcher, cast.principal):
        sign_up(by=person, session=session, at=NOW)
    record_attendance(by=cast.manager, session=session, attended=[cast.researcher.email], at=END)
    record_attendance(by=cast.manager, session=session, attended=[cast.principal.email], at=END)
    assert set(states(session).values()) == {"attended"}
    assert Qualification.objects.count() == 2


def test_attendance_is_for_the_trainer_and_the_manager(cast):
    session = plan(cast)
    other = f.person(cast.shanghai_lab, Role.OPERATOR)
    for person in (other, cast.researcher, cast.billing_office):
        with pytest.raises(NotAllowed):
            record_attendance(by=person, session=session, attended=[], at=END)


def test_attendance_names_people_with_a_place_once_it_has_begun(cast):
    session = plan(cast)
    for emails, at, code in (
        ([cast.researcher.email], END, "no_place"),
        ([], NOW, "session_not_begun"),
    ):
        with pytest.raises(Refused) as refused:
            record_attendance(by=cast.manager, session=session, attended=emails, at=at)
        assert codes(refused) == [code]


@pytest.mark.parametrize(
    ("months", "until"), [(12, date(2028, 1, 1)), (36, date(2029, 3, 4)), (None, None)]
)
def test_renewing_extends_and_never_shortens(cast, months, until):
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, valid_until=date(2028, 1, 1)
    )
    attend(cast, plan(cast, valid_months=months))
    assert Qualification.objects.get().valid_until == until


def attend(cast, session) -> None:
    sign_up(by=cast.researcher, session=session, at=NOW)
    emails = [cast.researcher.email]
    record_attendance(by=cast.manager, session=session, attended=emails, at=END)


def test_a_higher_level_is_added_and_a_refresher_of_a_low_one_does_not_prolong_it(cast):
    change(cast.instrument, needs_qualification=True, required_level=2)
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, level=2, valid_until=date(2026, 3, 10)
    )
    attend(cast, plan(cast, level=1, valid_months=12))
    assert refused_code(book, cast=cast, period=hours(24 * 20, 24 * 20 + 1)) == "not_qualified"
    held = Qualification.objects.order_by("level").values_list("level", "valid_until")
    assert list(held) == [(1, date(2027, 3, 4)), (2, date(2026, 3, 10))]


def test_the_database_counts_the_places_whatever_path_leads_to_them(cast):
    session = plan(cast, places=1)
    TrainingPlace.objects.create(session=session, user=cast.researcher, signed_up_at=NOW)
    with pytest.raises(IntegrityError, match="training_within_places"), transaction.atomic():
        TrainingPlace.objects.create(session=session, user=cast.principal, signed_up_at=NOW)
    sql("UPDATE bookings_trainingplace SET state = 'withdrawn' WHERE session_id = %s", session.pk)
    TrainingPlace.objects.create(session=session, user=cast.principal, signed_up_at=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bookings_trainingsession SET state = 'completed'",
        "UPDATE bookings_trainingsession SET instrument_id = instrument_id + 1",
        "UPDATE bookings_trainingsession SET during = '[2026-03-02, 2026-03-03)'",
        "UPDATE bookings_trainingsession SET places = 0",
        "DELETE FROM bookings_trainingsession",
        "UPDATE bookings_trainingplace SET state = 'attended'",
        "UPDATE bookings_trainingplace SET user_id = user_id + 1",
        "UPDATE bookings_trainingplace SET signed_up_by_id = NULL",
        "DELETE FROM bookings_trainingplace",
        "UPDATE bookings_occupancy SET training_id = NULL WHERE kind = 'training'",
        "UPDATE bookings_occupancy SET during = '[2026-03-02, 2026-03-09)' WHERE kind = 'training'",
        "DELETE FROM bookings_occupancy WHERE kind = 'training'",
    ],
)
def test_sessions_and_places_keep_to_their_tables(cast, statement):
    session = plan(cast)
    sign_up(by=cast.researcher, session=session, at=NOW)
    withdraw(by=cast.researcher, session=session, at=NOW)
    cancelled = plan(cast, period=hours(60, 61))
    cancel_training(by=cast.manager, session=cancelled, at=NOW)
    with pytest.raises(DatabaseError):
        sql(statement)


def test_a_session_and_its_time_cannot_be_parted(cast):
    session = plan(cast)
    with pytest.raises(DatabaseError, match="its time says otherwise"):
        committed(
            "UPDATE bookings_occupancy SET released_at = now() WHERE training_id = %s", session.pk
        )
    with pytest.raises(DatabaseError, match="its time says otherwise"):
        committed(
            "UPDATE bookings_trainingsession SET state = 'cancelled' WHERE id = %s", session.pk
        )


def test_a_booking_is_no_training_session(cast):
    booking = book(cast)
    session = plan(cast)
    with pytest.raises(IntegrityError, match="occupancy_session_is_training"):
        sql(
            "INSERT INTO bookings_occupancy (resource_id, during, kind, label, booking_id,"
            " training_id) SELECT resource_id, '[2026-03-20, 2026-03-21)', 'booking', '', %s, %s"
            " FROM bookings_occupancy LIMIT 1",
            booking.pk,
            session.pk,
        )
