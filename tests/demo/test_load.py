"""The demo keeps what it promises. Loading it takes most of a minute: it is loaded twice only."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import authenticate
from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models import Q, Sum
from django.test import RequestFactory

from billing.models import Allotment, Charge, Posting, Redemption, Statement
from bookings.days import days_of
from bookings.finding import bookable_instruments
from bookings.models import Booking, Occupancy
from bookings.states import State
from demo.load import is_empty, load_demo, programmes_in_force
from demo.people import ACCOUNTS, DOMAIN, PASSWORD, STAFFED
from institutions.models import Institution, Project, User
from instruments.models import Instrument, Qualification
from kernel.periods import Period
from tests.demo.features import (
    facilities_show_everything,
    papers_are_on_their_way,
    programmes_are_run,
    projects_share_a_booking,
)
from tests.demo.promises import promises_are_kept, the_main_job_works
from tests.invariants import nothing_overlaps

NOW = datetime(2026, 11, 22, 14, 7, tzinfo=UTC)  # a Sunday, 22:07 in Shanghai
NEXT_YEAR = datetime(2027, 3, 1, 18, 6, tzinfo=UTC)  # a Tuesday, 02:06 in Shanghai


def test_the_voucher_programmes_hold_in_whatever_year_the_demo_is_loaded(tmp_path):
    with programmes_in_force(tmp_path, [2030, 2031]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["valid_from"] for row in rows} == {"2026-01-01"}
    assert {row["valid_until"] for row in rows} == {"2031-12-31"}


@pytest.fixture
def lines(db):
    told: list[str] = []
    load_demo(at=NOW, tell=told.append)
    return told


def test_the_demo_keeps_what_it_promises(lines, settings):
    assert any("%" in line for line in lines)
    assert mail.outbox == []
    catalogue_is_whole()
    accounts_sign_in()
    history_shows_every_state()
    vouchers_stay_half_free()
    coming_weeks_stay_half_free()
    books_balance()
    nothing_overlaps()
    promises_are_kept(NOW)
    facilities_show_everything(NOW)
    projects_share_a_booking()
    papers_are_on_their_way()
    programmes_are_run(NOW)
    the_main_job_works(NOW)
    settings.EMBEDDED_DATABASE = True
    again_does_nothing()


def test_the_demo_keeps_it_in_the_next_year_and_by_night_as_well(db):
    load_demo(at=NEXT_YEAR, tell=lambda line: None)
    assert set(Allotment.objects.values_list("year", flat=True)) == {2026, 2027, 2028}
    nothing_overlaps()
    promises_are_kept(NEXT_YEAR)
    facilities_show_everything(NEXT_YEAR)
    projects_share_a_booking()
    papers_are_on_their_way()
    the_main_job_works(NEXT_YEAR)


def catalogue_is_whole():
    assert Instrument.objects.count() == 191
    assert not Institution.objects.filter(is_demo=False).exists()
    researchers = User.objects.filter(email__startswith="researcher.")
    held = Qualification.objects.filter(user__in=researchers)
    assert held.count() == 191 * researchers.count() == 191 * 4


def accounts_sign_in():
    request = RequestFactory().post("/")
    for account in [name for name, *_ in ACCOUNTS] + ["admin"]:
        email = f"{account}@{DOMAIN}"
        assert authenticate(request, username=email, password=PASSWORD), email
    assert {"SZ-001", "SH-001", "WJ-001", "FDU-001"} <= {p.code for p in Project.objects.all()}
    assert not Project.objects.exclude(consent_above=None).exists()


def history_shows_every_state():
    states = Counter(Booking.objects.values_list("state", flat=True))
    # A timed hold lasts ten minutes: it has no past.
    assert states.keys() == set(State) - {State.HELD}
    assert 550 <= sum(states.values()) <= 750
    bookings = Booking.objects.exclude(instrument__institution__code__in=STAFFED)
    assert not bookings.exists()
    open_use = Booking.objects.filter(state="approved", during__endswith__lte=NOW)
    for code in STAFFED:
        assert open_use.filter(instrument__institution__code=code).exists(), code


def vouchers_stay_half_free():
    assert set(Allotment.objects.values_list("year", flat=True)) == {2026, 2027}
    used = Redemption.objects.values("terms__programme__code").distinct()
    assert used.count() >= 3
    for allotment in Allotment.objects.all():
        assert allotment.available >= allotment.cap / 2, allotment
        parts = (allotment.held, allotment.captured, allotment.claimed, allotment.settled)
        assert allotment.available + sum(parts) == allotment.cap


def coming_weeks_stay_half_free():
    window = Period(NOW, NOW + timedelta(weeks=4))
    instruments = list(bookable_instruments().filter(institution__code__in=STAFFED))
    for pk, day in days_of(instruments, window, at=NOW).items():
        opened = sum((p.length for p in day.opening), timedelta())
        taken = sum((p.length for seat in day.seats for p in seat), timedelta())
        assert taken <= opened / 2, pk
    assert Occupancy.objects.filter(during__startswith__gt=NOW, released_at=None).count() > 30


def books_balance():
    assert Posting.objects.aggregate(sum=Sum("amount"))["sum"] == 0
    kinds = set(Charge.objects.values_list("kind", flat=True))
    assert kinds == {"use", "late_cancellation", "no_show"}
    states = set(Charge.objects.values_list("state", flat=True))
    assert states >= {"in_review", "approved", "invoiced", "transferred"}
    for statement in Statement.objects.all():
        sums = statement.lines.aggregate(gross=Sum("charge__gross"), net=Sum("charge__net"))
        assert (statement.gross, statement.net) == (sums["gross"], sums["net"])
    for code in STAFFED:
        numbers = Statement.objects.filter(provider__code=code, number__isnull=False)
        last = sorted(int(number[-6:]) for number in numbers.values_list("number", flat=True))
        assert last == list(range(1, len(last) + 1))
    project = Project.objects.get(code="SZ-001")
    held = Booking.objects.filter(
        Q(project=project) & ~Q(price={}), state__in=["requested", "approved", "in_use"]
    )
    assert project.held == sum(Decimal(b.price["net"]) for b in held)


def again_does_nothing():
    before = Booking.objects.count()
    call_command("load_demo", if_empty=True)
    with pytest.raises(CommandError, match="not empty"):
        call_command("load_demo")
    assert Booking.objects.count() == before


def test_a_database_that_somebody_gave_is_never_filled_by_itself(db, settings):
    settings.EMBEDDED_DATABASE = False
    call_command("load_demo", if_empty=True)
    assert is_empty()
