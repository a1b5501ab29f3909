"""The day of a facility: something of everything that is closed, taught, asked, granted, amiss."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from bookings.actions.add_rule import add_rule
from bookings.actions.close import close_time
from bookings.actions.grant_allocation import grant_allocation
from bookings.actions.hear_appeal import appeal
from bookings.actions.plan_training import plan_training
from bookings.actions.record_violation import record_violation
from bookings.actions.report_problem import report_problem
from bookings.actions.request import request_booking
from bookings.actions.schedule_run import schedule_run
from bookings.actions.set_suspension_rule import set_suspension_rule
from bookings.actions.submit_request import SampleSent, submit_request
from bookings.actions.take_part import sign_up
from bookings.models import (
    ClosureKind,
    RuleKind,
    ServiceRequest,
    Severity,
    TimeUnit,
    ViolationKind,
)
from institutions.actions.request_to_join import request_to_join
from instruments.actions.add_exception import add_exception
from instruments.actions.grant_qualification import grant_qualification
from instruments.actions.publish_questions import Ask, publish_questions
from instruments.actions.recognise_training import recognise_training
from instruments.actions.request_qualification import request_qualification
from instruments.actions.save_calendar import save_calendar
from instruments.calendars import WeeklySpan
from instruments.models import Instrument
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast

JOINER = "joiner@example.test"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def made_facility(cast: Cast, instruments: dict[str, Instrument], now: datetime) -> None:
    """All of it at the cast's lab, as it stands at `now`."""
    today = now.date()
    _hours(cast, today, now)
    _closed(cast, instruments["own"], now)
    _trained(cast, instruments["trained"], now)
    _conduct(cast, instruments["own"], now)
    _requests(cast, instruments, now)
    _asked(cast, instruments["hazards"], now)
    joiner = f.person(cast.suzhou_firm, email=JOINER)
    request_to_join(by=joiner, project=cast.project, message="For the tests", at=now)
    report_problem(
        by=cast.researcher,
        instrument=instruments["own"],
        severity=Severity.LIMITED,
        text="A noise",
        at=now,
    )


def _hours(cast: Cast, today: date, now: datetime) -> None:
    calendar = save_calendar(
        by=cast.manager,
        institution=cast.shanghai_lab,
        name="Workdays",
        spans=[WeeklySpan(frozenset(range(5)), time(9), time(18))],
    )
    add_exception(
        by=cast.manager,
        calendar=calendar,
        first_on=today + 30 * DAY,
        last_on=today + 31 * DAY,
        reason="Moving",
        at=now,
    )
    add_rule(
        by=cast.manager,
        institution=cast.shanghai_lab,
        kind=RuleKind.SIMULTANEOUS,
        values={"most": 20},
        valid_from=today,
        at=now,
    )


def _closed(cast: Cast, instrument: Instrument, now: datetime) -> None:
    close_time(
        by=cast.manager,
        target=instrument,
        period=Period(now + 20 * DAY, now + 20 * DAY + 4 * HOUR),
        kind=ClosureKind.MAINTENANCE,
        reason="New pumps",
        at=now,
    )


def _trained(cast: Cast, instrument: Instrument, now: datetime) -> None:
    """A session that is just held, and one to come; somebody trained, and somebody who asks."""
    for start, planned in ((now - HOUR, now - 5 * DAY), (now + 5 * DAY, now)):
        session = plan_training(
            by=cast.manager,
            instrument=instrument,
            period=Period(start, start + 2 * HOUR),
            places=5,
            trainer=cast.operator,
            at=planned,
        )
        sign_up(by=cast.researcher, session=session, at=planned)
    grant_qualification(by=cast.manager, user=cast.principal, instrument=instrument, at=now)
    request_qualification(
        by=cast.researcher, instrument=instrument, experience="Three years elsewhere", at=now
    )
    recognise_training(
        by=cast.manager,
        institution=cast.shanghai_lab,
        granting=f.InstitutionFactory(),
        valid_from=now.date(),
        at=now,
    )


def _conduct(cast: Cast, instrument: Instrument, now: datetime) -> None:
    """One violation that counts, and one under appeal; both could be the first of three."""
    set_suspension_rule(
        by=cast.manager,
        institution=cast.shanghai_lab,
        after_count=3,
        within_days=90,
        suspend_days=14,
        valid_from=now.date(),
        at=now,
    )
    for kind in (ViolationKind.OVERRUN, ViolationKind.LEFT_DIRTY):
        violation = record_violation(
            by=cast.operator,
            user=cast.researcher,
            institution=cast.shanghai_lab,
            kind=kind,
            instrument=instrument,
            at=now - DAY,
        )
    appeal(by=cast.researcher, violation=violation, text="That was before me.", at=now)


def _requests(cast: Cast, instruments: dict[str, Instrument], now: datetime) -> None:
    """Samples that wait and samples in a run; time that is asked for and time that is granted."""

    def ask(instrument: str, quantity: int, *samples: str) -> ServiceRequest:
        return submit_request(
            by=cast.researcher,
            instrument=instruments[instrument],
            wanted=Period(now, now + 30 * DAY),
            project=cast.project,
            quantity=Decimal(quantity),
            purpose="A look",
            samples=[SampleSent(name=name) for name in samples],
            at=now,
        )

    ask("samples", 2, "Steel A", "Steel B")
    scheduled = ask("samples", 1, "Copper")
    schedule_run(
        by=cast.manager,
        instrument=instruments["samples"],
        period=Period(now + 3 * DAY, now + 3 * DAY + 2 * HOUR),
        requests=[scheduled],
        at=now,
    )
    ask("granted", 10)
    grant_allocation(
        by=cast.manager,
        request=ask("granted", 20),
        granted=Decimal(20),
        unit=TimeUnit.HOUR,
        valid_from=now.date(),
        valid_until=now.date() + 60 * DAY,
        at=now,
    )


def _asked(cast: Cast, instrument: Instrument, now: datetime) -> None:
    """A question whose answer a safety officer has to sign off, and a booking that waits for it."""
    publish_questions(
        by=cast.manager,
        institution=cast.shanghai_lab,
        name_zh="安全",
        name_en="Safety",
        questions=[
            Ask(
                code="hazard",
                topic="hazards",
                text_zh="样品有危险吗？",
                text_en="Is the sample hazardous?",
                kind="yes_no",
                sign_off_answers=["yes"],
            )
        ],
        instruments=[instrument],
        valid_from=now.date(),
        at=now,
    )
    request_booking(
        by=cast.researcher,
        instrument=instrument,
        project=cast.project,
        purpose="A look",
        period=Period(now + 6 * DAY, now + 6 * DAY + HOUR),
        answers={"hazard": True},
        at=now,
    )
