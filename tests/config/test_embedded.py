"""The embedded database, with real servers in a folder that goes afterwards."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from config import embedded
from config.embedded.binaries import choose
from config.embedded.errors import EmbeddedError
from config.embedded.places import CHECKOUT, DATABASE, USER, Account, Place, private_folder
from config.embedded.server import Server


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the server's account can pass through, which root's temporary ones are not."""
    made = Path(tempfile.mkdtemp(prefix="yitong-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """One durable cluster for the whole module, stopped between tests."""
    server = Server(Place("dev", folder / "cluster", Account.for_server()))
    yield server
    server.stop()


@pytest.fixture
def place(server: Server) -> Place:
    return server.place


def connect(place: Place) -> psycopg.Connection:
    return psycopg.connect(host=str(place.socket_dir), user=USER, dbname=DATABASE, autocommit=True)


def setting(place: Place, name: str) -> str:
    with connect(place) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def postmasters(place: Place) -> list[psutil.Process]:
    """The servers of this place; each has its data folder as working directory."""
    # All of it read at once: of the others some end while this one looks.
    there = psutil.process_iter(["cwd", "ppid"])
    found = [p for p in there if p.info["cwd"] == str(place.data)]
    return [p for p in found if p.info["ppid"] not in {other.pid for other in found}]


def command(place: Place, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`python -m config.embedded` for this place, as a shell would run it."""
    given = {"YITONG_EMBEDDED": place.cluster, "YITONG_EMBEDDED_DIR": str(place.base)}
    return subprocess.Popen(
        [sys.executable, "-m", "config.embedded", *arguments],
        cwd=CHECKOUT,
        env=os.environ | given | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_keeps_a_committed_row_when_everything_is_killed(server: Server, place: Place) -> None:
    server.start()
    with connect(place) as connection:
        connection.execute("CREATE TABLE promise (word text)")
        connection.execute("INSERT INTO promise VALUES ('kept')")
        (postmaster,) = postmasters(place)
        for process in [postmaster, *postmaster.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)
    assert (place.data / "postmaster.pid").exists()
    server.stop()  # finds nothing to stop
    assert (place.data / "postmaster.pid").exists()

    with Server(place).running(), connect(place) as connection:
        assert connection.execute("SELECT word FROM promise").fetchall() == [("kept",)]
        connection.execute("DROP TABLE promise")


def test_starts_over_a_pid_file_whose_number_is_somebody_elses(place: Place) -> None:
    with Server(place).running():
        lines = (place.data / "postmaster.pid").read_text().splitlines()
    other = os.getppid()
    for left in (place.data / "postmaster.pid", place.socket_lock):
        left.write_text("\n".join([str(other), *lines[1:]]) + "\n")

    with Server(place).running():
        assert Server(place).is_ready()


def test_two_starts_at_once_make_one_server(folder: Path) -> None:
    place = Place("dev", folder / "contested", Account.for_server())
    starting = [command(place, "start") for _ in range(2)]

    said = sorted(process.communicate(timeout=60)[0].strip() for process in starting)

    assert said == ["runs already", "started"]
    assert len(postmasters(place)) == 1
    Server(place).remove()
    assert not place.data.exists()


def test_stop_leaves_no_process_and_says_when_there_was_none(server: Server, place: Place) -> None:
    server.start()
    (postmaster,) = postmasters(place)
    family = [postmaster, *postmaster.children(recursive=True)]

    assert server.stop()

    assert not any(process.is_running() for process in family)
    assert not server.is_alive()
    assert not server.stop()


def test_takes_over_the_server_of_a_killed_supervisor(place: Place) -> None:
    supervisor = command(
        place, "run", "--", sys.executable, "-c", "print('up', flush=True); input()"
    )
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "up\n"
    (before,) = postmasters(place)
    supervisor.kill()
    supervisor.communicate()  # the command itself ends with its input

    with Server(place).running():
        (after,) = postmasters(place)
        assert after == before

    assert not Server(place).is_alive()


def test_the_last_user_stops_the_server(place: Place) -> None:
    with Server(place).running():
        with Server(place).running():
            pass
        assert Server(place).is_ready()
    assert not Server(place).is_alive()


def test_a_server_that_was_started_to_stay_outlives_its_users(server: Server) -> None:
    server.start()
    with Server(server.place).running():
        pass
    assert server.is_ready()


def test_run_answers_with_the_status_of_its_command(place: Place) -> None:
    with command(place, "run", "--", "sh", "-c", "exit 7") as ended:
        assert ended.wait(timeout=60) == 7
    assert not Server(place).is_alive()


def test_is_durable_and_gives_the_project_an_ordinary_role(place: Place) -> None:
    with Server(place).running():
        assert setting(place, "fsync") == "on"
        assert setting(place, "synchronous_commit") == "on"
        assert setting(place, "full_page_writes") == "on"
        assert setting(place, "is_superuser") == "off"
        assert setting(place, "listen_addresses") == ""


def test_the_wheels_binaries_serve_below_a_very_deep_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YITONG_PG_BIN", "wheel")
    deep = folder.joinpath(*["a folder, of a very long name indeed"] * 4)
    place = Place("test", deep, Account.for_server())

    with Server(place).running():
        assert setting(place, "server_version_num") >= "180000"
        assert setting(place, "fsync") == "off"
        with connect(place) as connection:
            connection.execute(
                "CREATE TABLE taken (resource bigint, during tstzrange, EXCLUDE USING gist"
                " (int8range(resource, resource, '[]') WITH &&, during WITH &&))"
            )
    assert not str(place.socket_dir).startswith(str(folder))
    shutil.rmtree(place.socket_dir)


def test_refuses_data_that_no_binaries_at_hand_can_open() -> None:
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 9,.*found: 1\d"):
        choose(Account.for_server(), made_by=9)


def test_refuses_a_socket_folder_that_others_can_enter(folder: Path) -> None:
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(EmbeddedError, match="somebody else has a hand on it"):
        private_folder(shared, Account.for_server())


def test_tests_never_see_the_cluster_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YITONG_EMBEDDED", raising=False)
    assert Place.current().cluster == "test"
    assert str(embedded.database_settings()["HOST"]).endswith(("test.socket", "-test"))


def test_a_given_database_url_leaves_the_embedded_server_alone(folder: Path) -> None:
    place = Place("dev", folder / "untouched", Account.for_server())
    code = "from django.conf import settings as s; print(s.DATABASES['default']['HOST'])"
    given = {
        "DATABASE_URL": "postgres://someone@database.example/lab",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "YITONG_EMBEDDED_DIR": str(place.base),
    }

    host = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert host.strip() == "database.example"
    assert not place.base.exists()
