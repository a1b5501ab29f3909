"""The supervisor behind `script/server`, with real processes and a real port."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from django.db import connection

from config import serve
from config.embedded import locks
from config.embedded.places import CHECKOUT, Account, Place
from config.serve import Failed, Part, Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    return free


def test_says_which_port_is_taken_and_how_to_choose_another(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "PORT_SECONDS", 0.0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(Failed, match=rf"port {port} is taken.*PORT={port + 1} script/server"):
            Supervisor(port).serve(embedded=False)


@pytest.mark.parametrize("given", ["http", "0", "65536", "-1", "80 80"])
def test_refuses_a_port_that_is_none(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", given)
    assert serve.main() == 1
    assert "must be a number from 1 to 65535" in capsys.readouterr().err


def test_a_second_server_of_a_checkout_is_told_where_the_first_one_is(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="yitong-", dir="/tmp") as folder:
        monkeypatch.setenv("YITONG_EMBEDDED_DIR", folder)
        place = Place("test", Path(folder), Account.for_server())
        with locks.exclusive(place.base / "serve.lock"):
            (place.base / "serve.lock").write_text("http://127.0.0.1:8000/ (process 7)")
            with pytest.raises(Failed, match=r"runs already, at http://127.0.0.1:8000/"):
                Supervisor(port).serve(embedded=True)
        assert not place.data.exists()


def test_a_part_that_does_not_listen_is_ended_with_all_its_children(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "GRACE_SECONDS", 0.2)
    shell = "trap '' TERM; sleep 600 & echo $!; wait; wait"
    with Part("deaf part", ["sh", "-c", shell]) as part:
        child = psutil.Process(_first_number(capfd))

    assert part.process.returncode == -signal.SIGKILL
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def _first_number(capfd: pytest.CaptureFixture[str]) -> int:
    said = ""
    while not said.strip():
        said = capfd.readouterr().out
    return int(said)


def test_parts_end_with_a_supervisor_that_was_killed() -> None:
    code = (
        "import sys; from config.serve import Part;"
        f"part = Part('sleeper', [sys.executable, '-c', {SLEEPER!r}]);"
        "print(part.process.pid, flush=True); part.process.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        lines = {supervisor.stdout.readline().strip() for _ in range(2)}
        sleeper = psutil.Process(int((lines - {"up"}).pop()))
        supervisor.kill()

        _, alive = psutil.wait_procs([sleeper], timeout=5)

    assert not [left for left in alive if left.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.django_db(transaction=True)
def test_serves_a_given_database_without_a_demo_until_it_is_told_to_stop(port: int) -> None:
    settings = connection.settings_dict
    host = f"?host={settings['HOST']}" if settings["HOST"].startswith("/") else ""
    server = "" if host else f"{settings['HOST']}:{settings['PORT']}"
    given = {
        "DATABASE_URL": f"postgres://{settings['USER']}:{settings['PASSWORD']}@{server}"
        f"/{settings['NAME']}{host}",
        "STATICFILES_BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
        "PORT": str(port),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "config.serve"],
        cwd=CHECKOUT,
        env=os.environ | given,
        stdout=subprocess.PIPE,
        text=True,
    ) as server_process:
        assert server_process.stdout is not None
        said = ""
        while "Yitong is at" not in said:
            line = server_process.stdout.readline()
            assert line, f"ended without an answer: {said}"
            said += line
        parts = psutil.Process(server_process.pid).children(recursive=True)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/schema/", timeout=30) as answer:
            assert answer.status == 200
        server_process.send_signal(signal.SIGTERM)
        rest, _ = server_process.communicate(timeout=30)

    assert server_process.returncode == 0
    assert "Demo accounts" not in said + rest
    assert not any(part.is_running() for part in parts)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
