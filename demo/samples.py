"""Samples sent in: what is asked for without picking a slot."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from bookings.actions.complete import complete_booking
from bookings.actions.decline_request import decline_request
from bookings.actions.move_samples import move_samples
from bookings.actions.schedule_run import schedule_run
from bookings.actions.submit_request import SampleSent, submit_request
from bookings.actions.withdraw_request import withdraw_request
from bookings.models import Booking, ServiceRequest
from bookings.request_states import SampleState
from demo.errands import ERRANDS, Errand, Fate
from demo.scene import DAY, Scene
from demo.stories import HOUR
from instruments.models import AccessMode
from kernel.periods import Period

GIVEN = (SampleState.RECEIVED, SampleState.QUEUED, SampleState.MEASURED)
# institution: who handles the samples.
HANDS = {"FDU": "operator.fudan", "SUDA": "operator.soochow", "NANOX": "engineer.nanox"}
# The days from today on which runs are, the hour that they begin at, and how long they take.
RUNS = {
    Fate.PAST: (-15, 9, 4),
    Fate.TODAY: (0, 10, 3),
    Fate.COMING: (6, 10, 3),
    Fate.BESIDE: (6, 10, 3),
}


def samples(scene: Scene) -> None:
    """Requests in every state at each facility: waiting, in a run to come, done, off."""
    instruments = dict.fromkeys(errand.instrument for errand in ERRANDS)
    for code in instruments:
        with scene.while_it_is(code, AccessMode.SAMPLE_SUBMISSION):
            _errands(scene, [one for one in ERRANDS if one.instrument == code])


def _errands(scene: Scene, errands: Sequence[Errand]) -> None:
    runs: dict[Fate, list[ServiceRequest]] = defaultdict(list)
    for errand in errands:
        request = ask(
            scene,
            errand.account,
            errand.project,
            errand.instrument,
            errand.purpose,
            errand.names,
            hazards=errand.hazards,
            days_ago=errand.days_ago,
        )
        if errand.fate in RUNS:
            runs[errand.fate].append(request)
        else:
            _without_run(scene, errand, request)
    for fate in RUNS:
        if runs[fate]:
            _run(scene, fate, runs[fate])


def ask(
    scene: Scene,
    account: str,
    project: str,
    code: str,
    purpose: str,
    names: Sequence[str] = (),
    *,
    days_ago: int,
    hours: int = 0,
    unit: str = "",
    hazards: str = "",
) -> ServiceRequest:
    """A request for as many samples as have `names`, or for `hours` (shifts, where `unit` says
    so), within the two months that follow. The first sample is dangerous as `hazards` says."""
    at = scene.ago(days_ago)
    return submit_request(
        by=scene.user(account),
        instrument=scene.instruments[code],
        wanted=Period(scene.moment(1 - days_ago), scene.moment(60 - days_ago, 18)),
        project=scene.project(project),
        quantity=Decimal(hours or len(names)),
        unit=unit,
        purpose=purpose,
        samples=[
            SampleSent(
                name=name,
                quantity=Decimal(20),
                unit="mg",
                hazards="" if number else hazards,
            )
            for number, name in enumerate(names)
        ],
        at=at,
    )


def _step(
    scene: Scene, request: ServiceRequest, states: Sequence[SampleState], *, days_ago: int
) -> None:
    """All samples go through these states, an hour after each other."""
    numbers = [sample.number for sample in request.samples.all()]
    for hour, state in enumerate(states):
        move_samples(
            by=scene.user(HANDS[request.instrument.institution.code]),
            request=request,
            numbers=numbers,
            to=state,
            at=scene.ago(days_ago) + hour * HOUR,
        )


def _without_run(scene: Scene, errand: Errand, request: ServiceRequest) -> None:
    day = errand.days_ago
    match errand.fate:
        case Fate.HERE:
            _step(scene, request, GIVEN[:1], days_ago=day - 1)
        case Fate.DECLINED:
            _step(scene, request, GIVEN[:1], days_ago=day - 1)
            decline_request(
                by=scene.manager_of(request.instrument),
                request=request,
                reason=errand.reason,
                at=scene.ago(day - 2),
            )
            _step(scene, request, (SampleState.RETURNED,), days_ago=day - 3)
        case Fate.WITHDRAWN:
            withdraw_request(
                by=scene.user(errand.account),
                request=request,
                reason=errand.reason,
                at=scene.ago(day - 1),
            )


def _run(scene: Scene, fate: Fate, asked: Sequence[ServiceRequest]) -> None:
    """Several requests share a run; the samples of one to come are there, those of the first
    queued, and those of one that was have left."""
    instrument = scene.instruments[asked[0].instrument.code]
    days, hour, hours = RUNS[fate]
    if fate == Fate.TODAY:
        # The manager's word stands above opening hours: on a day of rest somebody comes for it.
        period = scene.period(days, hour, hours)
    else:
        period = scene.open_time(instrument, days, hour, hours)
    for number, request in enumerate(asked):
        _step(scene, request, GIVEN[: 1 if number else 2], days_ago=5 if days >= 0 else 33)
    run = schedule_run(
        by=scene.manager_of(instrument),
        instrument=instrument,
        period=period,
        requests=asked,
        at=min(scene.ago(3), period.start - 2 * DAY),
    )
    if fate != Fate.PAST:
        return
    for booking in Booking.objects.filter(run=run).order_by("during"):
        complete_booking(
            by=scene.manager_of(instrument),
            booking=booking,
            during=booking.period,
            at=booking.period.end + HOUR,
        )
    ends = (SampleState.RETURNED, SampleState.DESTROYED)
    for number, request in enumerate(asked):
        rest = GIVEN[2:] if number == 0 else GIVEN[1:]
        _step(scene, request, (*rest, ends[number % 2]), days_ago=12)
