"""Samples sent in: what is asked for without picking a slot."""

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
from demo.scene import DAY, Scene
from demo.stories import HOUR
from kernel.periods import Period

GIVEN = (SampleState.RECEIVED, SampleState.QUEUED, SampleState.MEASURED)


def samples(scene: Scene) -> None:
    """Requests in every state: waiting, in a run to come, done, declined, withdrawn."""
    _waiting(scene)
    _off(scene)
    _run_to_come(scene)
    _run_that_was(scene)


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
) -> ServiceRequest:
    """A request for as many samples as have `names`, or for `hours` (shifts, where `unit` says
    so), within the two months that follow."""
    at = scene.ago(days_ago)
    return submit_request(
        by=scene.user(account),
        instrument=scene.instruments[code],
        wanted=Period(scene.moment(1 - days_ago), scene.moment(60 - days_ago, 18)),
        project=scene.project(project),
        quantity=Decimal(hours or len(names)),
        unit=unit,
        purpose=purpose,
        samples=[SampleSent(name=name, quantity=Decimal(20), unit="mg") for name in names],
        at=at,
    )


def _step(
    scene: Scene,
    request: ServiceRequest,
    numbers: Sequence[int],
    states: Sequence[SampleState],
    *,
    days_ago: int,
) -> None:
    """The samples go through these states, an hour after each other."""
    for hour, state in enumerate(states):
        move_samples(
            by=scene.user("operator.soochow"),
            request=request,
            numbers=numbers,
            to=state,
            at=scene.ago(days_ago) + hour * HOUR,
        )


def _waiting(scene: Scene) -> None:
    ask(
        scene,
        "researcher.shanghai",
        "SH-001",
        "SUDA-005",
        "单抗肽图",
        ("mAb-01", "mAb-02"),
        days_ago=1,
    )
    here = ask(
        scene,
        "researcher.fudan",
        "FDU-001",
        "SUDA-004",
        "新配合物结构",
        ("Cu-MOF-1", "Cu-MOF-2", "Cu-MOF-3"),
        days_ago=4,
    )
    _step(scene, here, (1, 2), GIVEN[:1], days_ago=2)


def _off(scene: Scene) -> None:
    no = ask(
        scene,
        "researcher.wujiang",
        "WJ-001",
        "SUDA-005",
        "含氟聚合物分子量",
        ("PF-7",),
        days_ago=20,
    )
    _step(scene, no, (1,), (SampleState.RECEIVED,), days_ago=19)
    decline_request(
        by=scene.manager("SUDA"),
        request=no,
        reason="样品不易电离，建议改用凝胶色谱",
        at=scene.ago(18),
    )
    _step(scene, no, (1,), (SampleState.RETURNED,), days_ago=17)
    gone = ask(
        scene,
        "researcher.suzhou",
        "SZ-001",
        "SUDA-004",
        "析出相结构",
        ("IN718-γ",),
        days_ago=16,
    )
    withdraw_request(
        by=scene.user("researcher.suzhou"),
        request=gone,
        reason="改用粉末样品",
        at=scene.ago(15),
    )


def _run_to_come(scene: Scene) -> None:
    """Two requests share a run."""
    asked = [
        ask(
            scene,
            "researcher.suzhou",
            "SZ-001",
            "SUDA-004",
            "合金单晶取向",
            ("CMSX-4-a", "CMSX-4-b"),
            days_ago=8,
        ),
        ask(
            scene,
            "student.soochow",
            "SUDA-001",
            "SUDA-004",
            "层状氧化物结构",
            ("LNO-11",),
            days_ago=7,
        ),
    ]
    _step(scene, asked[0], (1, 2), GIVEN[:2], days_ago=6)
    _step(scene, asked[1], (1,), GIVEN[:1], days_ago=5)
    schedule_run(
        by=scene.manager("SUDA"),
        instrument=scene.instruments["SUDA-004"],
        period=scene.open_time(scene.instruments["SUDA-004"], 6, 10, 3),
        requests=asked,
        at=scene.ago(3),
    )


def _run_that_was(scene: Scene) -> None:
    asked = [
        ask(
            scene,
            "researcher.shanghai",
            "SH-001",
            "SUDA-005",
            "蛋白完整分子量",
            ("Fab-1", "Fab-2", "Fab-3"),
            days_ago=35,
        ),
        ask(
            scene,
            "researcher.suzhou",
            "SZ-001",
            "SUDA-005",
            "粘结剂组成",
            ("B-3", "B-4"),
            days_ago=34,
        ),
    ]
    instrument, manager = scene.instruments["SUDA-005"], scene.manager("SUDA")
    period = scene.open_time(instrument, -15, 9, 4)
    run = schedule_run(
        by=manager, instrument=instrument, period=period, requests=asked, at=period.start - 2 * DAY
    )
    for request in asked:
        every = [sample.number for sample in request.samples.all()]
        _step(scene, request, every, GIVEN[:2], days_ago=33)
    for booking in Booking.objects.filter(run=run).order_by("during"):
        complete_booking(
            by=manager, booking=booking, during=booking.period, at=booking.period.end + HOUR
        )
    for request, numbers, end in (
        (asked[0], (1, 2, 3), SampleState.RETURNED),
        (asked[1], (1, 2), SampleState.DESTROYED),
    ):
        _step(scene, request, numbers, (SampleState.MEASURED, end), days_ago=12)
