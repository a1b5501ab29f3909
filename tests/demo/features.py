"""What the demo's facilities show: each thing that the engine can do is there to be looked at."""

import csv
from collections import Counter
from datetime import timedelta

from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Count, F, Q

from billing.certificates import media_type_of
from billing.models import (
    Admission,
    Allotment,
    AllotmentEvent,
    Application,
    BillingSettings,
    Certificate,
    Charge,
    ContractPrice,
    CreditNote,
    Dispatch,
    FapiaoRequest,
    HourPackage,
    InternalExport,
    Redemption,
    Reminder,
    WriteOff,
)
from bookings.models import (
    Allocation,
    Booking,
    BookingEvent,
    BookingRule,
    Closure,
    InstrumentLogLine,
    Occupancy,
    Problem,
    Resource,
    RuleKind,
    Run,
    Sample,
    ServiceRequest,
    SignOff,
    Suspension,
    SuspensionRule,
    TrainingPlace,
    TrainingSession,
    UsageConsumable,
    UsageSegment,
    Violation,
)
from bookings.models.conduct import COUNTING
from bookings.pages.today import run_sheet
from bookings.request_states import RequestState, SampleState
from demo.load import DATA
from demo.people import ACCOUNTS, DOMAIN, STAFFED
from institutions.models import (
    ControllingGroup,
    Institution,
    JoinRequest,
    Membership,
    ProjectMember,
    RelatedParty,
)
from instruments.models import (
    Configuration,
    Consumable,
    Instrument,
    OpeningCalendar,
    QualificationRequest,
    QuestionSet,
    QuestionSetUse,
    Recognition,
    Tariff,
    UserClass,
)

HORIZON = timedelta(days=120)


def facilities_show_everything(now):
    calendars_are_their_own(now)
    closures_were_and_come(now)
    resources_serve(now)
    training_is_held_and_planned(now)
    conduct_is_looked_after()
    requests_are_on_their_way(now)
    allocation_is_drawn_on(now)
    instruments_are_open_as_the_catalogue_says()
    use_is_told_in_parts()
    rules_bind_no_account(now)
    project_has_a_deputy()
    facilities_ask_and_sign_off(now)
    somebody_joins_a_project()
    prices_have_every_shape(now)
    nothing_is_out_of_order()


def calendars_are_their_own(now):
    for code in STAFFED:
        calendar = (
            OpeningCalendar.objects.filter(institution__code=code)
            .annotate(count=Count("exceptions"))
            .get(count=2)
        )
        assert calendar.makeup_days
        assert calendar.holiday_country == "CN"
        whole, shorter = calendar.exceptions.order_by("first_on")
        assert whole.opens is None
        assert shorter.opens < shorter.closes
        assert whole.last_on < now.date() < shorter.first_on
    assert Instrument.objects.filter(opening_calendar__institution__code="NANOX").count() == 2


def closures_were_and_come(now):
    assert not Occupancy.objects.filter(resource__instrument__code="FDU-001", booking=None).exists()
    for code in STAFFED:
        closures = Closure.objects.filter(institution__code=code)
        times = Occupancy.objects.filter(closure__in=closures)
        assert times.filter(during__endswith__lt=now).exists(), code
        assert times.filter(during__startswith__gt=now, released_at=None).exists(), code
        recurring = closures.exclude(rule="").get()
        assert recurring.kind == "maintenance"
        assert times.filter(closure=recurring, during__startswith__gt=now).count() >= 4
        assert closures.exclude(lifted_at=None).exists(), code
    displaced = BookingEvent.objects.filter(data__has_key="closure")
    assert set(displaced.values_list("kind", flat=True)) == {"displaced", "cancelled"}
    assert displaced.get(kind="cancelled").data["alternatives"]


def resources_serve(now):
    for code in STAFFED:
        somebody_operates(code, now)
        accessories_are_shared_and_set_ups_changed(code, now)
        two_sit_side_by_side(code, now)


def somebody_operates(code, now):
    attended = Instrument.objects.get(needs_operator=True, institution__code=code)
    # Those that are open by night have nobody who must be there.
    assert attended.attendance == "throughout"
    operators = Resource.objects.filter(kind="operator", serves=attended)
    in_the_mornings = operators.exclude(working_hours=None).get()
    leave = Closure.objects.get(kind="leave", resource__in=operators)
    assert leave.resource == in_the_mornings, "whoever is always there never is on leave"
    assert Occupancy.objects.filter(closure=leave, during__startswith__gt=now).exists(), code
    always = operators.filter(working_hours=None)
    assert always.count() >= attended.capacity == 1
    busy = Occupancy.objects.filter(resource__in=operators, booking__isnull=False)
    assert busy.exists(), code
    assert not busy.exclude(booking__instrument=attended).exists(), "nobody is wanted elsewhere"


def accessories_are_shared_and_set_ups_changed(code, now):
    accessory = Resource.objects.get(kind="accessory", institution__code=code)
    assert accessory.serves.count() >= 2
    taken = Occupancy.objects.filter(during__startswith__gt=now, released_at=None)
    assert taken.filter(resource=accessory, booking__configuration__isnull=False).exists(), code
    ways = Configuration.objects.filter(
        changeover_minutes__gt=0, instrument__institution__code=code
    )
    assert ways.count() == 2
    changes = taken.filter(is_changeover=True, booking__configuration__in=ways)
    assert changes.exists(), code


def two_sit_side_by_side(code, now):
    pair = Instrument.objects.filter(capacity=2, institution__code=code).first()
    if code == "FDU":
        # Whatever there is by slots has one seat, and nothing there is by request.
        assert pair is None
        return
    assert pair.is_by_request
    first, second = Resource.objects.filter(kind="seat", instrument=pair).order_by("number")
    on = {
        seat: set(
            Occupancy.objects.filter(
                resource=seat, during__startswith__gt=now, released_at=None
            ).values_list("during", flat=True)
        )
        for seat in (first, second)
    }
    assert on[first] & on[second], code


def training_is_held_and_planned(now):
    for code in STAFFED:
        sessions = TrainingSession.objects.filter(instrument__institution__code=code)
        held, to_come = sessions.order_by("during")
        assert held.state == "completed"
        assert held.period.end < now
        states = TrainingPlace.objects.filter(session=held).values_list("state", flat=True)
        assert set(states) == {"attended", "absent"}
        assert to_come.state == "planned"
        assert to_come.period.start > now
        assert 0 < to_come.taken < to_come.places
        waiting = QualificationRequest.objects.filter(instrument__institution__code=code)
        assert waiting.filter(state="requested").count() == 1, code
    states = set(QualificationRequest.objects.values_list("state", flat=True))
    assert states == {"requested", "granted", "declined"}
    for code in STAFFED:
        recognition = Recognition.objects.get(institution__code=code)
        assert recognition.granting.code != code
        assert now.date() in recognition.valid


def conduct_is_looked_after():
    for code in STAFFED:
        violations = Violation.objects.filter(institution__code=code)
        states = Counter(
            violations.exclude(user__email__startswith="researcher.").values_list(
                "state", flat=True
            )
        )
        assert states["appealed"] == 1, code
        assert states["lifted"] == 1, code
        assert violations.filter(state__in=COUNTING).exists(), code
        severities = Problem.objects.filter(instrument__institution__code=code)
        found = set(severities.values_list("severity", "state"))
        assert found == {("note", "open"), ("limited", "open"), ("down", "cleared")}


def requests_are_on_their_way(now):
    assert set(ServiceRequest.objects.values_list("state", flat=True)) == set(RequestState)
    assert set(Sample.objects.values_list("state", flat=True)) == set(SampleState) - {"measured"}
    for code in STAFFED:
        asked = ServiceRequest.objects.filter(instrument__institution__code=code, unit="")
        states = set(asked.values_list("state", flat=True))
        assert states == set(RequestState) - {"granted"}, code
        dangerous = Sample.objects.filter(request__in=asked).exclude(hazards="")
        assert dangerous.filter(request__state="scheduled").exists(), code
        runs = Run.objects.filter(instrument__institution__code=code)
        shared = runs.annotate(count=Count("bookings")).filter(count=2)
        assert shared.filter(during__startswith__gt=now).exists(), code
        assert shared.filter(during__endswith__lt=now - timedelta(days=7)).exists(), code
        today = run_sheet(Institution.objects.get(code=code), at=now).filter(run__isnull=False)
        assert today.filter(request__samples__isnull=False).exists(), code


def allocation_is_drawn_on(now):
    for code in STAFFED:
        allocation = Allocation.objects.get(instrument__institution__code=code)
        assert 0 < allocation.drawn < allocation.granted
        draws = allocation.draws.filter(released_at=None)
        assert draws.filter(booking__state="completed").exists()
        assert draws.filter(booking__state="approved", booking__during__startswith__gt=now).exists()
        # What the catalogue opens to all is drawn on no more.
        by_allocation = allocation.instrument.access_mode == "proposal"
        assert by_allocation == (allocation.ended_at is None), code
    # Whoever of the four asks for such a slot is told to send a request.
    assert Allocation.objects.get(ended_at=None).project.code == "SUDA-001"


def instruments_are_open_as_the_catalogue_says():
    with (DATA / "instruments.csv").open(encoding="utf-8") as file:
        listed = {row["instrument_id"]: row["access_mode"] for row in csv.DictReader(file)}
    assert dict(Instrument.objects.values_list("code", "access_mode")) == listed


def use_is_told_in_parts():
    for code in STAFFED:
        of_the_facility = {"usage__booking__instrument__institution__code": code}
        kinds = UsageSegment.objects.filter(**of_the_facility)
        assert set(kinds.values_list("kind", flat=True)) == {"run", "down", "idle"}
        lines = InstrumentLogLine.objects.filter(instrument__institution__code=code)
        assert lines.filter(usage=None).count() == 1, code
        assert lines.exclude(usage=None).count() == 2, code
        released = BookingEvent.objects.filter(kind="released_early")
        assert released.filter(booking__instrument__institution__code=code).exists(), code


def rules_bind_no_account(now):
    kinds = set(BookingRule.objects.values_list("kind", flat=True))
    assert kinds == set(RuleKind)
    for code in STAFFED:
        in_force = BookingRule.objects.filter(institution__code=code).on(now.date())
        assert in_force.values("kind").distinct().count() >= 3, code
        assert BookingRule.objects.filter(institution__code=code).exclude(ended_at=None).exists()
    for rule in BookingRule.objects.all():
        for_foreigners = rule.user_classes == [UserClass.FOREIGN]
        assert for_foreigners or rule.valid.lower > (now + HORIZON).date(), rule
    assert BookingRule.objects.exclude(ended_at=None).exists()
    for rule in SuspensionRule.objects.filter(valid__isempty=False):
        in_force = rule.valid.upper is None or rule.valid.upper > now.date()
        assert not in_force or rule.valid.lower > (now + HORIZON).date()
    assert not Suspension.objects.exclude(during__endswith__lt=now).exists()
    # The no-shows of the bookings are drawn by lot: no rule may count them on any day.
    first = Booking.objects.earliest("during").period.start.date()
    assert not SuspensionRule.objects.filter(
        valid__isempty=False, valid__overlap=DateRange(first, now.date())
    ).exists()
    assert Suspension.objects.get().user.email.startswith("student.")


def project_has_a_deputy():
    deputies = ProjectMember.objects.filter(is_deputy=True)
    assert deputies.exclude(user=F("project__principal")).exists()


def nothing_is_out_of_order():
    assert not Instrument.objects.exclude(status="active", broken_since=None).exists()
    known = {f"{account}@{DOMAIN}" for account, *_ in ACCOUNTS}
    assert set(TrainingPlace.objects.values_list("user__email", flat=True)) <= known


def facilities_ask_and_sign_off(now):
    for code in STAFFED:
        signed = SignOff.objects.filter(booking__instrument__institution__code=code)
        to_come = signed.filter(booking__during__startswith__gt=now)
        assert set(to_come.values_list("state", flat=True)) == {"given", "waiting"}, code
        officers = Membership.objects.filter(institution__code=code, role="safety_officer")
        assert officers.exists(), code
        asked = QuestionSet.objects.filter(institution__code=code)
        assert asked.filter(version=2, uses__valid__startswith__gt=(now + HORIZON).date()).exists()
        answered = Booking.objects.filter(question_set__in=asked.filter(questions__required=True))
        for booking in answered.filter(during__startswith__gt=now):
            assert {row["code"] for row in booking.answers} >= {"hazards", "state"}
        assert answered.filter(during__startswith__gt=now).exists(), code
    nobody_has_to_answer_where_slots_are_open_to_all(now)


def nobody_has_to_answer_where_slots_are_open_to_all(now):
    coming = DateRange(now.date(), (now + HORIZON).date(), "[]")
    binding = QuestionSetUse.objects.filter(
        question_set__questions__required=True, valid__overlap=coming
    )
    assert set(binding.values_list("instrument__access_mode", flat=True)) == {"proposal"}


def projects_share_a_booking():
    for code in STAFFED:
        shared = Booking.objects.filter(is_split=True, instrument__institution__code=code)
        charge = Charge.objects.get(booking__in=shared)
        assert {one.percent for one in charge.allocations.all()} == {60, 40}, code


def somebody_joins_a_project():
    assert set(JoinRequest.objects.values_list("state", flat=True)) == {"accepted", "open"}


def programmes_are_run(now):
    applications = Application.objects.order_by("pk").values_list("state", flat=True)
    assert list(applications) == ["granted", "declined", "applied"]
    size, licence = Certificate.objects.order_by("kind").reverse()
    assert (size.kind, size.is_accepted, licence.is_accepted) == ("size", True, None)
    assert media_type_of(bytes(size.file.content)) == "application/pdf"
    assert set(Admission.objects.values_list("provider__code", flat=True)) == set(STAFFED)
    assert not Allotment.objects.exclude(suspended_at=None).exists()
    told = AllotmentEvent.objects.exclude(kind="granted").order_by("pk")
    assert list(told.values_list("kind", flat=True)) == ["suspended", "resumed"]
    assert ControllingGroup.objects.get().members.count() == 2
    assert RelatedParty.objects.count() == 1
    held = Redemption.objects.filter(state="held")
    assert held.exists()
    assert not held.filter(Q(claim_by=None) | Q(consented_by=None)).exists()


def papers_are_on_their_way():
    """What became of the oldest statements; nobody was mailed about it."""
    note = CreditNote.objects.get()
    assert note.charge.redemption is None
    red, waiting = FapiaoRequest.objects.exclude(state="red_lettered").filter(
        ~Q(original=None) | Q(state="requested")
    )[::-1]
    assert (red.credit_note, red.state, waiting.state) == (note, "issued", "requested")
    assert WriteOff.objects.get().state == "proposed"
    assert Reminder.objects.exists()
    assert not Dispatch.objects.exists()
    assert InternalExport.objects.get().lines.exists()
    assert BillingSettings.objects.get(review_days=10).institution.code == "NANOX"


def prices_have_every_shape(now):
    """Contracts, hours and consumables, none of them a demo account's own."""
    payers = {"DEMO-SZ", "DEMO-SH", "DEMO-WJ", "FDU"}
    assert set(ContractPrice.objects.values_list("state", flat=True)) == {"approved", "proposed"}
    assert not ContractPrice.objects.filter(payer__code__in=payers).exists()
    assert not HourPackage.objects.filter(payer__code__in=payers).exists()
    granted, sold = HourPackage.objects.order_by("kind")
    assert granted.used_minutes > 0
    assert granted.held_minutes > 0
    assert sold.available_minutes == sold.minutes
    assert UsageConsumable.objects.count() == 1
    assert {one.prices.count() for one in Consumable.objects.all()} == {2}
    [later] = Tariff.objects.exclude(rush_factor=None)
    assert later.instrument.institution.code not in STAFFED
    assert later.valid.lower > (now + HORIZON).date()
