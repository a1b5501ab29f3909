"""The server is killed in the middle of its work: what it answered stands, and is whole."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from bookings.models import Booking, BookingEvent, Occupancy
from kernel import clock
from tests.race.conftest import Server, signed_in

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
CLIENTS, KILL_AFTER = 12, 60


def test_what_was_answered_is_there_and_what_is_there_is_whole(running: Server, cast):
    headers = signed_in(cast.researcher)
    answered: list[str] = []
    enough = threading.Event()
    first = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)

    def keep_booking(client: int) -> None:
        for number in range(1000):
            start = first + timedelta(hours=client + CLIENTS * number)
            body = {
                "instrument": cast.instrument.code,
                "start": start.isoformat(),
                "end": (start + timedelta(hours=1)).isoformat(),
                "project": cast.project.code,
                "purpose": "Until the end",
            }
            try:
                answer = requests.post(
                    f"{running.address}/api/v1/bookings/", json=body, headers=headers, timeout=20
                )
            except requests.RequestException:
                return
            if answer.status_code != 201:
                return
            answered.append(answer.json()["reference"])
            if len(answered) >= KILL_AFTER:
                enough.set()

    with ThreadPoolExecutor(CLIENTS) as pool:
        for client in range(CLIENTS):
            pool.submit(keep_booking, client)
        assert enough.wait(60), "the clients never got going"
        running.stop(signal.SIGKILL)

    there = set(Booking.objects.values_list("reference", flat=True))
    assert set(answered) <= there
    assert len(answered) >= KILL_AFTER
    # Whole: each with its state, its price, its one occupancy and its one event.
    assert not Booking.objects.filter(state="held").exists()
    assert not Booking.objects.filter(price={}).exists()
    assert Occupancy.objects.filter(released_at=None).count() == len(there)
    assert BookingEvent.objects.count() == len(there)

    running.start()
    answer = requests.get(
        f"{running.address}/api/v1/bookings/", headers=headers, params={"page_size": 1}, timeout=20
    )
    assert answer.json()["count"] == len(there)
