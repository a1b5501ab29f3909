"""The demo's promises: checks and documents are written against them."""

import csv
from datetime import time, timedelta
from decimal import Decimal

import pytest
from django.db.models import Q

from billing.actions.approve_charge import approve_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.models import Allotment, Charge
from bookings.actions.approve import approve_booking
from bookings.actions.complete import complete_booking
from bookings.actions.request import request_booking
from bookings.availability import free_periods
from bookings.models import Booking
from demo.load import DATA
from demo.people import ALLOTMENTS, DOMAIN, RESEARCHERS, STAFFED
from institutions.models import Institution, Membership, Project, User
from instruments.calendars import WeeklySpan, spans_of
from instruments.models import (
    Instrument,
    OpeningCalendar,
    OpeningException,
    Qualification,
    Tariff,
    UserClass,
)
from kernel.money import rounded
from kernel.periods import Period
from kernel.refusals import Refused

ROLES = {
    "researcher.suzhou": {("DEMO-SZ", "member")},
    "researcher.shanghai": {("DEMO-SH", "member")},
    "researcher.wujiang": {("DEMO-WJ", "member")},
    "researcher.fudan": {("FDU", "member")},
    "manager.fudan": {("FDU", "facility_manager"), ("FDU", "operator")},
    "manager.soochow": {("SUDA", "facility_manager"), ("SUDA", "operator")},
    "manager.nanox": {("NANOX", "facility_manager"), ("NANOX", "operator")},
    "billing.fudan": {("FDU", "billing_officer")},
    "billing.soochow": {("SUDA", "billing_officer")},
    "billing.nanox": {("NANOX", "billing_officer")},
    "billing.suzhou": {("DEMO-SZ", "billing_officer")},
    "programme.shanghai": {("DEMO-PO-SH", "programme_officer")},
    "programme.suzhou": {("DEMO-PO-SZ", "programme_officer")},
}
PROJECTS = {
    "SZ-001": ("DEMO-SZ", "researcher.suzhou"),
    "SH-001": ("DEMO-SH", "researcher.shanghai"),
    "WJ-001": ("DEMO-WJ", "researcher.wujiang"),
    "FDU-001": ("FDU", "researcher.fudan"),
}
SHARES = {
    UserClass.INDUSTRY: Decimal("1.00"),
    UserClass.FOREIGN: Decimal("1.00"),
    UserClass.ACADEMIC: Decimal("0.60"),
    UserClass.INTERNAL: Decimal("0.40"),
}
ROUND_THE_CLOCK = [WeeklySpan(frozenset(range(7)), time(0), time(0))]
OFFICE_HOURS = [WeeklySpan(frozenset(range(5)), time(9), time(18))]


def promises_are_kept(now):
    roles_are_as_written()
    projects_are_as_written()
    allotments_have_their_caps()
    prices_come_from_the_catalogue(now)
    hours_are_as_written()
    terms_are_as_written()
    researchers_are_qualified_on_everything(now)
    time_by_request_has_no_slots(now)


def roles_are_as_written():
    for account, roles in ROLES.items():
        held = Membership.objects.filter(user__email=f"{account}@{DOMAIN}")
        assert set(held.values_list("institution__code", "role")) == roles, account
    assert User.objects.get(email=f"admin@{DOMAIN}").is_superuser


def projects_are_as_written():
    for code, (institution, account) in PROJECTS.items():
        project = Project.objects.get(code=code)
        user = User.objects.get(email=f"{account}@{DOMAIN}")
        assert project.institution.code == institution
        assert project in Project.objects.bookable_by(user)
        assert (project.consent_above, project.budget) == (None, None)


def allotments_have_their_caps():
    with (DATA / "demo_programmes.csv").open(encoding="utf-8") as file:
        caps = {row["code"]: Decimal(row["annual_cap"]) for row in csv.DictReader(file)}
    held = set(Allotment.objects.values_list("holder__code", "programme__code"))
    assert held == {(holder, code) for holder, codes in ALLOTMENTS for code in codes}
    for allotment in Allotment.objects.select_related("programme"):
        assert allotment.cap == caps[allotment.programme.code]


def prices_come_from_the_catalogue(now):
    tariffs = {
        (tariff.instrument.code, tariff.user_class): tariff
        for tariff in Tariff.objects.filter(valid__contains=now.date()).select_related("instrument")
    }
    with (DATA / "instruments.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert Instrument.objects.count() == len(rows)
    assert len(tariffs) == len(rows) * len(SHARES)
    for row in rows:
        for user_class, share in SHARES.items():
            tariff = tariffs[row["instrument_id"], user_class]
            assert tariff.unit == row["price_unit"]
            assert tariff.unit_price == rounded(Decimal(row["external_price_cny"]) * share)
            assert (tariff.setup_fee, tariff.minimum, tariff.first_unit_price) == (0, 0, None)


def hours_are_as_written():
    """Of all that have slots, whatever else a facility's calendar says."""
    slots = Instrument.objects.select_related("opening_calendar", "start_calendar")
    spans = {one.pk: spans_of(one).spans for one in OpeningCalendar.objects.all()}
    excepted = set(OpeningException.objects.values_list("calendar", flat=True))
    for instrument in slots.exclude(access_mode__in=["sample_submission", "proposal"]):
        opening, start = instrument.opening_calendar, instrument.start_calendar
        assert opening.timezone == "Asia/Shanghai"
        assert opening.pk not in excepted
        throughout = instrument.attendance == "throughout"
        assert spans[opening.pk] == (OFFICE_HOURS if throughout else ROUND_THE_CLOCK)
        self_service = instrument.access_mode == "self_service"
        assert opening.holiday_country == ("" if self_service else "CN")
        if instrument.attendance == "handover":
            assert spans[start.pk] == OFFICE_HOURS
            assert start.holiday_country == "CN"
        else:
            assert start is None


def terms_are_as_written():
    as_written = Instrument.objects.filter(
        granularity_minutes=15,
        min_minutes=15,
        max_minutes=7 * 24 * 60,
        lead_minutes=0,
        horizon_days=120,
        setup_minutes=0,
        teardown_minutes=0,
        cancel_notice_hours=24,
        late_cancel_share=Decimal("0.50"),
        no_show_share=1,
        no_show_grace_minutes=None,
        required_level=1,
    )
    assert as_written.count() == Instrument.objects.count()
    decided = Q(access_mode="self_service", approval="automatic") | Q(
        access_mode="operator_assisted", approval="manager"
    )
    assisted = Instrument.objects.filter(access_mode__in=["self_service", "operator_assisted"])
    assert not assisted.exclude(decided).exists()


def researchers_are_qualified_on_everything(now):
    for account in RESEARCHERS:
        held = Qualification.objects.valid_on(now.date()).filter(
            user__email=f"{account}@{DOMAIN}", valid_until=None
        )
        assert held.values("instrument").distinct().count() == Instrument.objects.count()


def time_by_request_has_no_slots(now):
    """For the four; only a project that was granted time may pick some of it."""
    start = (now + timedelta(days=9)).replace(hour=2, minute=0, second=0, microsecond=0)
    by_request = Instrument.objects.filter(access_mode__in=["sample_submission", "proposal"])
    for instrument in by_request.filter(institution__code__in=STAFFED):
        with pytest.raises(Refused) as refused:
            request_booking(
                by=User.objects.get(email=f"researcher.suzhou@{DOMAIN}"),
                instrument=instrument,
                period=Period(start, start + timedelta(hours=2)),
                project=Project.objects.get(code="SZ-001"),
                at=now,
            )
        assert "by_request_only" in [one.code for one in refused.value.refusals]


def the_main_job_works(now):
    """What the README walks through, on the instrument that it names."""
    by = {name: User.objects.get(email=f"{name}@{DOMAIN}") for name in ROLES}
    instrument = Instrument.objects.get(code="FDU-001")
    two_hours = timedelta(hours=2)
    window = Period(now + timedelta(hours=24), now + timedelta(hours=400))
    free = free_periods([instrument], window, length=two_hours, at=now)[instrument.pk]
    booking = request_booking(
        by=by["researcher.suzhou"],
        instrument=instrument,
        period=Period(free[0].start, free[0].start + two_hours),
        project=Project.objects.get(code="SZ-001"),
        programme="best",
        at=now,
    )
    assert booking.state == "requested"
    assert Decimal(booking.price["voucher"]) > 0
    assert approve_booking(by=by["manager.fudan"], booking=booking, at=now).state == "approved"
    earlier = Booking.objects.filter(
        state="approved",
        instrument__institution__code="FDU",
        project__code="SZ-001",
        during__startswith__lt=now - timedelta(hours=5),
    ).first()
    assert earlier.period.end <= now
    complete_booking(by=by["manager.fudan"], booking=earlier, during=earlier.period, at=now)
    charge = approve_charge(
        by=by["billing.fudan"], charge=Charge.objects.get(booking=earlier), at=now
    )
    statement = draft_statement(
        by=by["billing.fudan"],
        provider=Institution.objects.get(code="FDU"),
        payer=Institution.objects.get(code="DEMO-SZ"),
        month=charge.period,
        at=now,
    )
    assert issue_statement(by=by["billing.fudan"], statement=statement, at=now).number
