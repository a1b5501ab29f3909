"""What `script/server` runs: the database, the web server and the background worker, as one.

They start in that order and stop in the opposite one. When one of them ends by itself, all of them
end, with an error: a page without its worker would look as if it worked.
"""

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

from config.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from config.embedded import locks
from config.embedded.errors import EmbeddedError
from config.embedded.places import CHECKOUT, Place
from config.embedded.server import Server

HOST = "127.0.0.1"
POLL_SECONDS = 0.1
PORT_SECONDS = 5.0  # a web server whose supervisor was killed needs a moment to let go
GRACE_SECONDS = 4  # for requests and jobs under way
PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """The server cannot go on; the message says why."""


class Supervisor:
    """Starts the parts, watches them, and stops them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._stopping = False
        self.database: Server | None = None

    def serve(self, *, embedded: bool) -> None:
        """Run everything until a signal asks to stop. Raises Failed or EmbeddedError."""
        with ExitStack() as stack:
            if embedded:
                stack.callback(os.close, self._claim_checkout(Place.current()))
            self._await_free_port()
            if embedded:
                self.database = Server()
                stack.enter_context(self.database.running())
            self._prepare()
            if self.stopping():
                return
            worker = stack.enter_context(Part("worker", self._worker_command()))
            web = stack.enter_context(Part("web server", self._web_command()))
            self._await_answer([web, worker])
            if not self.stopping():
                _say(_greeting(self.port, embedded=embedded))
            while not self.stopping():
                self._look_after([web, worker])
            _say("stopping …")

    def stopping(self) -> bool:
        return self._stopping

    def ask_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _claim_checkout(self, place: Place) -> int:
        """One server per embedded database: two would load the demo and run the jobs twice."""
        place.make()
        file = place.base / "serve.lock"
        claim = locks.take(file, wait=False)
        if claim is None:
            raise Failed(f"runs already, at {file.read_text() or 'an address not known yet'}")
        os.truncate(claim, 0)
        os.write(claim, f"http://{HOST}:{self.port}/ (process {os.getpid()})".encode())
        return claim

    def _await_free_port(self) -> None:
        deadline = time.monotonic() + PORT_SECONDS
        while not _port_is_free(self.port) and not self.stopping():
            if time.monotonic() > deadline:
                raise Failed(
                    f"port {self.port} is taken by another program; "
                    f"choose another one: PORT={self.port + 1} script/server"
                )
            time.sleep(POLL_SECONDS)

    def _prepare(self) -> None:
        """Migrate, collect static files and load the demo, in a process of its own."""
        with Part("preparation", [sys.executable, "-m", "config.prepare"]) as preparing:
            while not self.stopping() and preparing.process.poll() is None:
                time.sleep(POLL_SECONDS)
            if preparing.process.poll() not in (None, 0):
                raise Failed("the database could not be prepared; see above")

    def _web_command(self) -> list[str]:
        workers = os.environ.get("WEB_CONCURRENCY", "3")
        return [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--preload", "--no-control-socket"),
            *("--bind", f"{HOST}:{self.port}", "--workers", workers),
            *("--worker-class", "gthread", "--threads", "4"),
            *("--graceful-timeout", str(GRACE_SECONDS - 1), "--log-level", "warning"),
        ]

    def _worker_command(self) -> list[str]:
        grace = f"--shutdown-graceful-timeout={GRACE_SECONDS - 1}"
        return [sys.executable, "manage.py", "procrastinate", "worker", grace]

    def _await_answer(self, parts: list["Part"]) -> None:
        while not self.stopping() and not _answers(self.port):
            self._look_after(parts)

    def _look_after(self, parts: list["Part"]) -> None:
        time.sleep(POLL_SECONDS)
        for part in parts:
            status = part.process.poll()
            if status is not None and not self.stopping():
                raise Failed(f"the {part.name} ended by itself (status {status}); see above")
        if self.database is not None and not self.database.is_alive() and not self.stopping():
            raise Failed(f"the database ended by itself; its log: {self.database.place.log}")


class Part:
    """A child process with a session of its own, so that Ctrl-C leaves stopping it to us."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        """Ask politely, then end what is left of it."""
        self.process.terminate()
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _end_with_parent() -> None:
    """Have the kernel end this child when the supervisor is killed, which cannot do it itself."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise Failed(f"port {port} is for privileged programs; choose one from 1024 on")
        except OSError:
            return False
    return True


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _greeting(port: int, *, embedded: bool) -> str:
    lines = ["", f"Yitong is at http://{HOST}:{port}/   (Ctrl-C stops it)", ""]
    if embedded:
        width = max(len(email) for email, _ in DEMO_ACCOUNTS)
        lines += [f"Demo accounts, all with the password {DEMO_PASSWORD!r}:"]
        lines += [f"  {email:<{width}}  {who}" for email, who in DEMO_ACCOUNTS]
        lines += [""]
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, flush=True)


def _port() -> int:
    given = os.environ.get("PORT") or "8000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise Failed(f"PORT is {given!r}; it must be a number from 1 to 65535")
    return int(given)


def main() -> int:
    try:
        supervisor = Supervisor(_port())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, supervisor.ask_to_stop)
        supervisor.serve(embedded=not os.environ.get("DATABASE_URL"))
    except (Failed, EmbeddedError, OSError) as error:
        print(f"Yitong: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
