"""Starting and stopping the embedded server.

Every start and stop holds `Place.lock`. Whether anything of a cluster still lives is not guessed
from `postmaster.pid`, which a kill -9 leaves behind: the server inherits an open lock on
`Place.alive`, so the lock is free exactly when its last process has ended.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import psycopg

from config.embedded import locks
from config.embedded.binaries import Binaries, choose
from config.embedded.errors import EmbeddedError
from config.embedded.places import PORT, SUPERUSER, Place
from config.embedded.provision import connect, drop_left_test_databases, provide_database

START_SECONDS = 120.0  # recovery after a crash may have much to replay
STOP_SECONDS = 15.0  # for a fast shutdown, then for an immediate one
POLL_SECONDS = 0.03
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")


class Server:
    """The embedded server of one place, seen from one process."""

    def __init__(self, place: Place | None = None) -> None:
        self.place = place or Place.current()
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have the server while the block runs; the last process to leave its block stops it.

        Raises EmbeddedError when it cannot be started.
        """
        place = self.place
        place.make()
        with locks.exclusive(place.lock):
            self._start()
            using = locks.take(place.users, shared=True)
        try:
            yield
        finally:
            with locks.exclusive(place.lock):
                assert using is not None
                os.close(using)
                if locks.is_free(place.users) and not place.keep.exists():
                    self._stop()

    def start(self) -> bool:
        """Start the server and let it stay until `stop`; False when it already ran."""
        self.place.make()
        with locks.exclusive(self.place.lock):
            started = self._start()
            self.place.keep.touch()
        return started

    def stop(self) -> bool:
        """Stop the server, whoever uses it; False when it did not run."""
        if not self.place.lock.exists():
            return False
        with locks.exclusive(self.place.lock):
            return self._stop()

    def is_alive(self) -> bool:
        """Whether any process of the cluster lives, be it starting, ready or stopping."""
        return self.place.alive.exists() and not locks.is_free(self.place.alive)

    def is_ready(self) -> bool:
        """Whether the server answers."""
        try:
            connect(self.place).close()
        except psycopg.OperationalError:
            return False
        return True

    def remove(self) -> None:
        """Stop the server and delete all its data."""
        self.place.make()
        with locks.exclusive(self.place.lock):
            self._stop()
            if self.place.data.exists():
                shutil.rmtree(self.place.data)

    # --- with the lock held ---------------------------------------------------------------------

    def _start(self) -> bool:
        """Start the server, or take over one that a former supervisor left behind."""
        alive = self._take_alive()
        if alive is not None:
            try:
                made_by = self.place.made_by()
                binaries = choose(self.place.account, made_by)
                if made_by is None:
                    self._initialise(binaries, alive)
                self._launch(binaries, alive)
            finally:
                os.close(alive)
            drop_left_test_databases(self.place)
        provide_database(self.place)
        return alive is not None

    def _take_alive(self) -> int | None:
        """The lock that says nothing lives, or None once a living server is ready."""

        alive: int | None = None

        def settled() -> bool:
            nonlocal alive
            alive = locks.take(self.place.alive, wait=False)
            return alive is not None or self.is_ready()

        if not _until(settled, START_SECONDS):
            raise EmbeddedError(
                f"Processes of the database in {self.place.data} still run but do not answer "
                f"(first of them: {self.place.server_pid()}). Its log: {self.place.log}"
            )
        return alive

    def _initialise(self, binaries: Binaries, alive: int) -> None:
        """Make the cluster under another name first, so that half a cluster is never opened."""
        place = self.place
        making = place.base / f"{place.cluster}.new"
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(making, place.account.uid, place.account.gid)
        command = [str(binaries.initdb), "-D", str(making), "-U", SUPERUSER, "-A", "trust"]
        # Byte order and full Unicode classes, whatever the machine's language.
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        if not place.durable:
            command.append("--no-sync")
        options = self._child_options(alive)
        done = subprocess.run(command, capture_output=True, text=True, **options)
        if done.returncode:
            raise EmbeddedError(f"initdb failed:\n{done.stdout}{done.stderr}")
        making.rename(place.data)
        folder = os.open(place.base, os.O_RDONLY)
        os.fsync(folder)  # the new name survives a power cut, too
        os.close(folder)

    def _launch(self, binaries: Binaries, alive: int) -> None:
        place = self.place
        # Nothing lives, so these can only be leftovers; PostgreSQL would take them for a running
        # server if another process has got the same number since.
        for leftover in (place.data / "postmaster.pid", place.socket_lock, place.keep):
            leftover.unlink(missing_ok=True)
        if place.log.exists() and place.log.stat().st_size > 5_000_000:
            place.log.replace(place.log.with_suffix(".log.1"))
        command = [str(binaries.postgres), "-D", str(place.data)]
        for name, value in self._configuration().items():
            command += ["-c", f"{name}={value}"]
        descriptor = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                **self._child_options(alive),
            )
        finally:
            os.close(descriptor)
        ended = self._process.poll
        ready = _until(lambda: self.is_ready() or ended() is not None, START_SECONDS)
        if not ready or ended() is not None:
            raise EmbeddedError(f"PostgreSQL did not start. From {place.log}:\n{self._log_end()}")

    def _configuration(self) -> dict[str, str]:
        folder = str(self.place.socket_dir).replace('"', '""')
        durability = "on" if self.place.durable else "off"
        return {
            "listen_addresses": "",
            "unix_socket_directories": f'"{folder}"',
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",  # costs more than it gains on short queries
            **dict.fromkeys(DURABILITY, durability),
        }

    def _stop(self) -> bool:
        """Fast shutdown, and an immediate one (which loses nothing either) if that hangs."""
        place = self.place
        if locks.is_free(place.alive):
            self._reap()
            return False
        for request in (signal.SIGINT, signal.SIGQUIT):
            postmaster = self._postmaster()
            if postmaster is not None:
                with suppress(psutil.NoSuchProcess):
                    postmaster.send_signal(request)
            if _until(lambda: locks.is_free(place.alive), STOP_SECONDS):
                self._reap()
                place.keep.unlink(missing_ok=True)
                return True
        raise EmbeddedError(f"PostgreSQL (process {place.server_pid()}) does not stop: {place.log}")

    def _reap(self) -> None:
        """Take note of the end of a server that this process had started."""
        if self._process is not None:
            self._process.wait()

    def _postmaster(self) -> psutil.Process | None:
        """The server's first process, unless its number has become somebody else's."""
        pid = self.place.server_pid()
        with suppress(psutil.Error):
            process = psutil.Process(pid) if pid else None
            if process and process.cwd() == str(self.place.data):
                return process
        return None

    def _child_options(self, alive: int) -> dict[str, Any]:
        passed = {
            name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        # Nothing of the caller's PG* variables, language or time zone reaches the server.
        return {
            "env": {**passed, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            "cwd": self.place.socket_dir,  # a folder that the account can enter
            "pass_fds": [alive],
            "start_new_session": True,  # Ctrl-C is for the supervisor, which stops it in order
            **self.place.account.process_options(),
        }

    def _log_end(self, lines: int = 15) -> str:
        return "\n".join(self.place.log.read_text(errors="replace").splitlines()[-lines:])


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds; False when it does not within the seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
