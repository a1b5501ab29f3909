"""What is wrong with an instrument, and what that stops."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError

from bookings import finding
from bookings.actions.report_problem import clear_problem, report_problem
from bookings.availability import free_periods
from bookings.models import Problem
from kernel.refusals import Malformed, NotAllowed, Refused, WrongState
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, codes, hours


def report(cast, severity="down", **changes) -> Problem:
    wanted = {
        "by": cast.operator,
        "instrument": cast.instrument,
        "severity": severity,
        "text": "No vacuum",
        "at": NOW,
    }
    return report_problem(**{**wanted, **changes})


def is_free(cast) -> bool:
    window = hours(24, 48)
    return bool(
        free_periods([cast.instrument], window, length=HOUR, at=NOW).get(cast.instrument.pk)
    )


def test_a_broken_instrument_cannot_be_booked_until_it_is_cleared(cast):
    problem = report(cast)
    cast.instrument.refresh_from_db()
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["broken"]
    assert not is_free(cast)
    assert not finding.bookable_instruments().exists()
    clear_problem(by=cast.operator, problem=problem, resolution="New pump", at=NOW + HOUR)
    cast.instrument.refresh_from_db()
    assert is_free(cast)
    assert book(cast).state == "approved"


@pytest.mark.parametrize("severity", ["note", "limited"])
def test_a_lesser_problem_stops_nobody(cast, severity):
    report(cast, severity)
    cast.instrument.refresh_from_db()
    assert cast.instrument.broken_since is None
    assert is_free(cast)


def test_it_is_broken_until_the_last_such_problem_is_cleared_since_the_oldest_open_one(cast):
    first, second = report(cast), report(cast, at=NOW + HOUR)
    cast.instrument.refresh_from_db()
    assert cast.instrument.broken_since == NOW
    clear_problem(by=cast.manager, problem=first, at=NOW + 2 * HOUR)
    cast.instrument.refresh_from_db()
    assert cast.instrument.broken_since == NOW + HOUR
    clear_problem(by=cast.manager, problem=second, at=NOW + 2 * HOUR)
    cast.instrument.refresh_from_db()
    assert cast.instrument.broken_since is None


def test_what_is_booked_stays(cast):
    booking = book(cast)
    report(cast)
    booking.refresh_from_db()
    assert booking.state == "approved"


def test_whoever_may_use_it_reports(cast):
    trained, by_technique = f.UserFactory(), f.UserFactory()
    cast.instrument.techniques = ["XRD"]
    cast.instrument.save()
    f.QualificationFactory(user=trained, instrument=cast.instrument)
    f.QualificationFactory(
        user=by_technique, instrument=None, technique="XRD", institution=cast.shanghai_lab
    )
    for person in (cast.stranger, cast.researcher, cast.billing_office):
        with pytest.raises(NotAllowed):
            report(cast, by=person)
    book(cast)
    for person in (cast.operator, cast.manager, cast.researcher, trained, by_technique):
        assert report(cast, by=person).reported_by == person


def test_refuses_a_booking_of_another_instrument(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    with pytest.raises(Malformed):
        report(cast, booking=book(cast, instrument=other))


def test_only_the_facilitys_staff_clears_and_only_once(cast):
    book(cast)
    problem = report(cast, by=cast.researcher)
    for person in (cast.researcher, cast.principal, cast.billing_office, cast.stranger):
        with pytest.raises(NotAllowed):
            clear_problem(by=person, problem=problem, at=NOW)
    cleared = clear_problem(by=cast.operator, problem=problem, resolution="Wiped", at=NOW)
    assert (cleared.state, cleared.cleared_by, cleared.resolution) == (
        "cleared",
        cast.operator,
        "Wiped",
    )
    with pytest.raises(WrongState):
        clear_problem(by=cast.operator, problem=problem, at=NOW)


def test_staff_of_the_facility_and_the_reporter_see_it(cast):
    book(cast)
    problem = report(cast, by=cast.researcher)
    elsewhere = f.person(cast.suzhou_firm, "facility_manager")
    for person in (cast.operator, cast.manager, cast.researcher):
        assert list(Problem.objects.visible_to(person)) == [problem]
    for person in (cast.principal, cast.billing_office, cast.stranger, elsewhere):
        assert not Problem.objects.visible_to(person).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "note"},
        {"reported_at": NOW - timedelta(days=1)},
        {"reference": "PB-OTHER"},
    ],
)
def test_the_database_keeps_a_report_as_it_was(cast, change):
    problem = report(cast)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Problem.objects.filter(pk=problem.pk).update(**change)


def test_the_database_lets_no_problem_go_back_or_away(cast):
    problem = clear_problem(by=cast.manager, problem=report(cast), at=NOW)
    found = Problem.objects.filter(pk=problem.pk)
    with pytest.raises(ProgrammingError), transaction.atomic():
        found.update(state="open", cleared_by=None, cleared_at=None, resolution="")
    with pytest.raises(ProgrammingError), transaction.atomic():
        found.update(cleared_at=NOW + HOUR)
    with pytest.raises(ProgrammingError), transaction.atomic():
        found.delete()
    found.update(text="redacted", resolution="redacted")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "cleared"},
        {"resolution": "Nothing"},
        {"cleared_at": NOW},
    ],
)
def test_the_database_wants_to_know_who_cleared_and_when(cast, change):
    problem = report(cast)
    with (
        pytest.raises(IntegrityError, match="problem_cleared_by_somebody"),
        transaction.atomic(),
    ):
        Problem.objects.filter(pk=problem.pk).update(**change)


def test_the_database_knows_three_severities(cast):
    with pytest.raises(IntegrityError, match="problem_severity_known"), transaction.atomic():
        report(cast, "sad")
