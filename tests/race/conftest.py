"""A real server over the test database, and clients that all start at once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from psycopg.errors import DeadlockDetected

from institutions.actions.issue_token import issue_token
from institutions.models import User
from kernel import clock
from kernel.refusals import DomainError

ROOT = Path(__file__).resolve().parents[2]


def _environment() -> dict[str, str]:
    """The child's way to the database of this very test run."""
    name = connection.settings_dict["NAME"]
    environment = {**os.environ, "YITONG_EMBEDDED_NAME": name, "CONN_MAX_AGE": "0"}
    url = environment.get("DATABASE_URL")
    if url:
        base, _, _ = url.partition("?")
        environment["DATABASE_URL"] = f"{base.rpartition('/')[0]}/{name}"
    return environment


class Child:
    """A process of ours on the test database, with a session of its own so that all of it ends."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=_environment(), start_new_session=True
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends every process of it; with SIGKILL at once, in the middle of whatever they do."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait(20)


class Server(Child):
    """gunicorn with two workers of sixteen threads over the test database."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        super().__init__(
            [
                *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
                *("--workers", "2", "--worker-class", "gthread", "--threads", "16", "--preload"),
                *("--log-level", "error", "--no-control-socket"),
            ]
        )

    def start(self) -> None:
        """Gives back once it answers."""
        super().start()
        assert self.process
        deadline = time.monotonic() + 60
        while not _answers(self.address):
            assert self.process.poll() is None, "the server ended by itself"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)


@pytest.fixture
def running(transactional_db: None) -> Iterator[Server]:
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(running: Server) -> str:
    """The address of a running server."""
    return running.address


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/api/v1/bookings/", timeout=5).status_code == 401
    except requests.ConnectionError:
        return False


def signed_in(user: User) -> dict[str, str]:
    """The headers of a client that is signed in as `user`."""
    _, secret = issue_token(user=user, at=clock.now())
    return {"Authorization": f"Bearer {secret}"}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Runs every call in a thread of its own, all let go at the same moment."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class Racers:
    """`clients` threads, each with a connection of its own that it keeps from round to round.

    with Racers(32) as race:
        assert Counter(race([book] * 32)) == {"approved": 1, "slot_taken": 31}
    """

    def __init__(self, clients: int) -> None:
        self.clients = clients

    def __enter__(self) -> "Racers":
        self.pool = ThreadPoolExecutor(self.clients)
        return self

    def __exit__(self, *_: object) -> None:
        # Not `connection.close`: that would be this thread's, looked up here.
        self._let_go([lambda: connection.close()] * self.clients)
        self.pool.shutdown()

    def __call__(self, calls: list[Callable[[], Any]]) -> list[Any]:
        """What each call gave back, or the code of what it was refused with: `slot_taken`, or a
        list such as `["budget_exceeded"]` from the rules. A deadlock and every other error is
        raised, so a race with a loser who fell over is not won."""
        return self._let_go([lambda call=call: _outcome(call) for call in calls])  # type: ignore[misc]

    def _let_go(self, calls: list[Callable[[], Any]]) -> list[Any]:
        """All at the same moment, each in a thread of its own: waiting at the gate keeps it."""
        gate = threading.Barrier(len(calls))

        def run(call: Callable[[], Any]) -> Any:
            gate.wait(60)
            return call()

        return list(self.pool.map(run, calls))


def race(calls: list[Callable[[], Any]]) -> list[Any]:
    """One round of `Racers`, on new connections."""
    with Racers(len(calls)) as once:
        return once(calls)


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except DomainError as refusal:
        cause = refusal.__cause__
        # The caller would be told `busy` and try again, but the order of locks was broken.
        assert not (cause and isinstance(cause.__cause__, DeadlockDetected)), cause
        return [one.code for one in getattr(refusal, "refusals", ())] or refusal.code
