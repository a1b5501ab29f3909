"""What the demo's facilities show: each thing that the engine can do is there to be looked at."""

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
    Certificate,
    ContractPrice,
    CreditNote,
    Dispatch,
    FapiaoRequest,
    HourPackage,
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
from bookings.request_states import RequestState, SampleState
from demo.people import ACCOUNTS, DOMAIN, STAFFED
from institutions.models import ControllingGroup, JoinRequest, ProjectMember, RelatedParty
from instruments.models import (
    Configuration,
    Consumable,
    Instrument,
    OpeningCalendar,
    QualificationRequest,
    Question,
    QuestionSet,
    Recognition,
    Tariff,
    UserClass,
)

HORIZON = timedelta(days=120)


def facilities_show_everything(now):
    calendars_are_their_own(now)
    closures_were_and_come(now)
    resources_serve()
    training_is_held_and_planned(now)
    conduct_is_looked_after()
    requests_are_on_their_way(now)
    allocation_is_drawn_on(now)
    use_is_told_in_parts()
    rules_bind_no_account(now)
    project_has_a_deputy()
    facilities_ask_and_sign_off(now)
    somebody_joins_a_project()
    prices_have_every_shape(now)
    papers_are_on_their_way()
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


def resources_serve():
    for code in STAFFED:
        attended = Instrument.objects.get(needs_operator=True, institution__code=code)
        assert attended.attendance == "throughout"
        operators = Resource.objects.filter(kind="operator", serves=attended)
        # Somebody is there whenever it is open.
        assert operators.filter(working_hours=None).exists(), code
        assert operators.exclude(working_hours=None).count() == 1, code
        assert Closure.objects.filter(kind="leave", resource__in=operators).exists(), code
        assert Occupancy.objects.filter(resource__in=operators, booking__isnull=False).exists()
        accessory = Resource.objects.get(kind="accessory", institution__code=code)
        assert accessory.serves.count() == 2
        assert Occupancy.objects.filter(
            resource=accessory, booking__configuration__isnull=False, released_at=None
        ).exists(), code
        ways = Configuration.objects.filter(instrument__institution__code=code)
        assert ways.filter(changeover_minutes__gt=0).count() == 2, code
    assert Instrument.objects.get(capacity=2).access_mode == "sample_submission"


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
    recognition = Recognition.objects.get()
    assert (recognition.institution.code, recognition.granting.code) == ("FDU", "SUDA")
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
    states = set(ServiceRequest.objects.values_list("state", flat=True))
    assert states == set(RequestState)
    assert set(Sample.objects.values_list("state", flat=True)) == set(SampleState) - {"measured"}
    shared = Run.objects.annotate(count=Count("bookings")).filter(count=2)
    assert shared.filter(during__startswith__gt=now).exists()
    assert shared.filter(during__endswith__lt=now).exists()


def allocation_is_drawn_on(now):
    allocation = Allocation.objects.get()
    assert allocation.instrument.access_mode == "proposal"
    assert 0 < allocation.drawn < allocation.granted
    draws = allocation.draws.filter(released_at=None)
    assert draws.filter(booking__state="completed").exists()
    assert draws.filter(booking__state="approved", booking__during__startswith__gt=now).exists()
    # Whoever of the four asks for such a slot is told to send a request.
    assert allocation.project.code == "SUDA-001"


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
        assert QuestionSet.objects.filter(institution__code=code).exists(), code
    assert not Question.objects.filter(required=True).exists()
    states = SignOff.objects.filter(booking__during__startswith__gt=now)
    assert set(states.values_list("state", flat=True)) == {"given", "waiting"}


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
