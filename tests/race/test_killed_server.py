"""Web and worker are killed in the middle of their work: what was answered stands, and is whole."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateWorker
from procrastinate.exceptions import AlreadyEnqueued

from bookings.actions.request import request_booking
from bookings.models import Booking, BookingEvent
from bookings.tasks import expire_overdue_bookings
from institutions.models import IdempotencyKey
from kernel import clock
from kernel.periods import Period
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Cast
from tests.invariants import everything_is_whole
from tests.race.conftest import Child, Server, signed_in

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
CLIENTS, WISHES, KILL_AFTER = 12, 500, 200
# Requests whose time has come, for the worker to end one by one.
OVERDUE = 150
HOUR = timedelta(hours=1)


@pytest.fixture
def worker(transactional_db: None) -> Iterator[Child]:
    """The background worker on the test database."""
    child = Child([sys.executable, "manage.py", "procrastinate", "worker"])
    try:
        yield child
    finally:
        child.stop(signal.SIGKILL)
        with connection.cursor() as cursor:
            # Its tables are not those of models, so no test's end empties them.
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


class Clients:
    """Twelve who share five hundred wishes, and ask again for what was not answered."""

    def __init__(self, address: str, headers: dict[str, str], bodies: list[dict[str, Any]]) -> None:
        self.address, self.headers, self.bodies = address, headers, bodies
        self.answered: dict[int, str] = {}
        self.up_again = threading.Event()
        self._next = count()

    def run(self) -> None:
        with requests.Session() as session:
            # `next` of a counter is atomic, so each wish is one client's.
            while (number := next(self._next)) < len(self.bodies):
                self.answered[number] = self._ask(session, number)

    def _ask(self, session: requests.Session, number: int) -> str:
        while True:
            try:
                answer = session.post(
                    f"{self.address}/api/v1/bookings/",
                    json=self.bodies[number],
                    headers={**self.headers, "Idempotency-Key": f"wish {number}"},
                    timeout=30,
                )
            except requests.RequestException:
                assert self.up_again.wait(60), "the server never came back"
            else:
                assert answer.status_code == 201, answer.text
                reference: str = answer.json()["reference"]
                return reference


def test_what_was_answered_is_there_and_what_is_there_is_whole(
    running: Server, worker: Child, cast: Cast
) -> None:
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    fund(cast, now)
    idle = connections()
    worker.start()
    wait_for(lambda: workers() == 1, "the worker never came up")
    let_overdue(cast, now)
    bodies = [wish(cast, now + (24 + number) * HOUR) for number in range(WISHES)]
    clients = Clients(running.address, signed_in(cast.researcher), bodies)
    with ThreadPoolExecutor(CLIENTS) as pool:
        ended = [pool.submit(clients.run) for _ in range(CLIENTS)]
        wait_for(lambda: len(clients.answered) >= KILL_AFTER, "the clients never got going")
        end_what_is_overdue()
        wait_for(lambda: expired() > 0, "the worker never got going")
        running.stop(signal.SIGKILL)
        worker.stop(signal.SIGKILL)
        # What the killed ones had sent is worked off by the database, or rolled back.
        wait_for(lambda: connections() <= idle, "the killed ones are still connected")
        before = set(clients.answered.values())
        assert before <= set(Booking.objects.values_list("reference", flat=True))
        assert len(before) < WISHES
        everything_is_whole()

        running.start()
        clients.up_again.set()
        end_what_is_overdue()
        worker.start()
        for one in ended:
            one.result(60)
        wait_for(lambda: expired() == OVERDUE, "the worker left some waiting")

    # Each wish once, however often it was sent, and each with its answer, price, time and money.
    booked = Booking.objects.filter(state="approved").values_list("reference", flat=True)
    assert sorted(booked) == sorted(clients.answered.values())
    assert len(booked) == WISHES == IdempotencyKey.objects.filter(status=201).count()
    assert BookingEvent.objects.count() == WISHES + 2 * OVERDUE
    everything_is_whole()


def fund(cast: Cast, now: datetime) -> None:
    """A voucher that pays half of everything, this year and the next."""
    terms = b.terms(valid_until=now.date() + timedelta(days=366))
    for year in (now.year - 1, now.year, now.year + 1):
        b.pool(terms, year=year)
        b.allotment(terms, cast.suzhou_firm, year=year, cap=1_000_000)


def let_overdue(cast: Cast, now: datetime) -> None:
    asked = f.InstrumentFactory(institution=cast.shanghai_lab, approval="manager")
    for number in range(OVERDUE):
        start = now - (number + 1) * HOUR
        request_booking(
            by=cast.researcher,
            instrument=asked,
            period=Period(start, start + HOUR),
            project=cast.project,
            programme="best",
            purpose="Nobody decides",
            at=start - HOUR,
        )


def wish(cast: Cast, start: datetime) -> dict[str, Any]:
    return {
        "instrument": cast.instrument.code,
        "start": start.isoformat(),
        "end": (start + HOUR).isoformat(),
        "project": cast.project.code,
        "programme": "best",
        "purpose": "Until the end",
    }


def end_what_is_overdue() -> None:
    """What the worker's clock does every five minutes."""
    with suppress(AlreadyEnqueued):
        expire_overdue_bookings.defer(timestamp=0)


def workers() -> int:
    return ProcrastinateWorker.objects.count()


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        found: int = cursor.fetchone()[0]
    return found


def expired() -> int:
    return Booking.objects.filter(state="expired").count()


def wait_for(happens: Any, otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
