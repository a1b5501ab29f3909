"""Where an embedded cluster lives and which account runs it.

An ordinary user's cluster is kept below the checkout, in `.data/postgres`. PostgreSQL refuses to
run as root, and an unprivileged account can often not even enter root's checkout; so root's cluster
is kept in `/var/lib/yitong`, in a folder named after the checkout, and belongs to the account that
runs it.
"""

import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded import locks
from config.embedded.errors import EmbeddedError

CHECKOUT = Path(__file__).resolve().parents[2]
CLUSTERS = ("dev", "test")
DATABASE = "yitong"
USER = "yitong"
SUPERUSER = "postgres"
PORT = 5432  # names the socket file only: nothing listens on TCP

# A socket's address has room for 107 bytes on Linux and 103 elsewhere.
SOCKET_PATH_BYTES = 103
# libpq and the server both read a comma as the start of another folder.
PLAIN_PATH = re.compile(r"[\w./+@-]+")


@dataclass(frozen=True)
class Account:
    """The user whose process the server is."""

    uid: int
    gid: int
    name: str  # empty when the system has no name for the uid

    @classmethod
    def for_server(cls) -> "Account":
        """The caller, or for root an existing account without privileges."""
        uid = os.geteuid()
        if uid != 0:
            return cls._of(uid)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, name)
        return cls(65534, 65534, "")

    @classmethod
    def _of(cls, uid: int) -> "Account":
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, os.getegid(), "")
        return cls(uid, entry.pw_gid, entry.pw_name)

    def process_options(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make a child run as this account."""
        options: dict[str, Any] = {"umask": 0o077}
        if os.geteuid() == 0:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


@dataclass(frozen=True)
class Place:
    """The files of one cluster."""

    cluster: str
    base: Path
    account: Account

    @classmethod
    def current(cls) -> "Place":
        """The cluster this process is meant to use.

        `YITONG_EMBEDDED` names it; below pytest it is `test` without being named, so that no test
        can reach the data of `script/server`. `YITONG_EMBEDDED_DIR` keeps the files elsewhere.
        """
        below_pytest = "PYTEST_VERSION" in os.environ
        cluster = os.environ.get("YITONG_EMBEDDED") or ("test" if below_pytest else "dev")
        if cluster not in CLUSTERS:
            raise EmbeddedError(f"YITONG_EMBEDDED is {cluster!r}; it can be dev or test.")
        given = os.environ.get("YITONG_EMBEDDED_DIR")
        return cls(
            cluster, Path(given).resolve() if given else _default_base(), Account.for_server()
        )

    @property
    def durable(self) -> bool:
        return self.cluster != "test"

    @property
    def data(self) -> Path:
        return self.base / self.cluster

    @property
    def log(self) -> Path:
        return self.base / f"{self.cluster}.log"

    @property
    def lock(self) -> Path:
        """Held by whoever is starting or stopping the server."""
        return self.base / f"{self.cluster}.lock"

    @property
    def alive(self) -> Path:
        """Held by the server's processes themselves, until the last of them is gone."""
        return self.base / f"{self.cluster}.alive"

    @property
    def users(self) -> Path:
        """Shared by those who need the server; the last one to leave stops it."""
        return self.base / f"{self.cluster}.users"

    @property
    def keep(self) -> Path:
        """Exists when the running server is to stay although nobody uses it."""
        return self.base / f"{self.cluster}.keep"

    @property
    def socket_dir(self) -> Path:
        """A folder that only the account (and root) can enter, with a path short enough."""
        near = self.base / f"{self.cluster}.socket"
        address = os.fsencode(near / f".s.PGSQL.{PORT}")
        if len(address) <= SOCKET_PATH_BYTES and PLAIN_PATH.fullmatch(str(near)):
            return near
        return Path(f"/tmp/yitong-{self.account.uid}") / f"{_digest(self.base)}-{self.cluster}"

    @property
    def socket_lock(self) -> Path:
        """PostgreSQL's own lock beside the socket, with the server's process id."""
        return self.socket_dir / f".s.PGSQL.{PORT}.lock"

    def make(self) -> None:
        """Make the folders, and refuse those in which somebody else could sit.

        Takes `lock` for a moment: a folder that root has made and not handed over yet would look
        like somebody else's to another start.
        """
        # The server's account must pass through root's folder; nobody needs to list it.
        new_folder(self.base, 0o711 if os.geteuid() == 0 else 0o700)
        with locks.exclusive(self.lock):
            near = self.socket_dir.parent
            if near != self.base:
                private_folder(near, self.account)
            private_folder(self.socket_dir, self.account)

    def made_by(self) -> int | None:
        """The major version of PostgreSQL that made the data, or None before there is any."""
        try:
            return int((self.data / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            return None

    def server_pid(self) -> int | None:
        """The process id that the server wrote down; a kill -9 leaves it behind."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None


def new_folder(path: Path, mode: int) -> None:
    """Make what is missing of the path, with this mode whatever the umask; change nothing else."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        try:
            folder.mkdir()
        except FileExistsError:
            continue  # made by another process in this moment
        folder.chmod(mode)


def private_folder(path: Path, account: Account) -> None:
    """Make a folder of the account's own, or make sure that it is one.

    Raises EmbeddedError where somebody else owns it or can enter it, which in a shared folder such
    as /tmp may be an attempt to stand between the project and its database.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if os.geteuid() == 0:
            os.chown(path, account.uid, account.gid)
    found = path.lstat()
    private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not private or found.st_uid != account.uid:
        raise EmbeddedError(
            f"{path} should be a folder that only {account.name or account.uid} can enter, "
            "but somebody else has a hand on it. Remove it and try again."
        )


def _default_base() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/yitong") / _digest(CHECKOUT)
    return CHECKOUT / ".data" / "postgres"


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
