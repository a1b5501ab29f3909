"""Brings the database and the static files up to date before the server starts.

One process does all of it, because each start of Django costs a good second.
"""

import hashlib
import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from config.embedded.places import CHECKOUT

STAMP = CHECKOUT / ".data" / "collected"


def migrate() -> None:
    """Apply what is missing; silent and quick when nothing is."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False)


def collect_static() -> None:
    """Collect the static files when one of them has changed since they were collected last."""
    digest = _static_digest()
    collected = Path(settings.STATIC_ROOT)
    if collected.exists() and STAMP.exists() and STAMP.read_text() == digest:
        return
    STAMP.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    STAMP.parent.mkdir(mode=0o700, exist_ok=True)
    STAMP.write_text(digest)


def _static_digest() -> str:
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            seen = os.stat(storage.path(name))
            digest.update(f"{name} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    try:
        migrate()
    except OperationalError as error:
        sys.exit(f"The database does not answer: {error}")
    collect_static()
    if settings.EMBEDDED_DATABASE:
        # Never by itself into a database that somebody else gave.
        call_command("load_demo", if_empty=True)


if __name__ == "__main__":
    main()
