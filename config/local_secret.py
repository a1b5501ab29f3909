"""The signing key of a checkout that was given none: made once, kept in `.data/secret_key`."""

import os
import secrets
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / ".data" / "secret_key"


def secret_key(file: Path = FILE) -> str:
    """Read the key, or make it; of several processes that make it at once, one wins for all.

    The file is readable by its owner only. Raises OSError where it can neither be read nor made.
    """
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mine = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(secrets.token_urlsafe(50))
    try:
        os.link(mine, file)  # fails when another process was first, and never shows half a key
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    return file.read_text(encoding="ascii")
