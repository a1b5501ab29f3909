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

from institutions.actions.issue_token import issue_token
from institutions.models import User
from kernel import clock

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


class Server:
    """gunicorn with two workers of sixteen threads over the test database."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.command = [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "2", "--worker-class", "gthread", "--threads", "16", "--preload"),
            *("--log-level", "error", "--no-control-socket"),
        ]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=_environment(), start_new_session=True
        )
        deadline = time.monotonic() + 60
        while not _answers(self.address):
            assert self.process.poll() is None, "the server ended by itself"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends every process of it; with SIGKILL at once, in the middle of whatever they do."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait(20)


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
