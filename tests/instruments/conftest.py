"""The real catalogue."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from instruments.actions.import_catalogue import Report, import_catalogue

DATA = Path(__file__).resolve().parents[2] / "demo" / "data"
FILES = [
    DATA / f"{name}.csv"
    for name in ("regions", "alliances", "instrument_categories", "institutions", "instruments")
]
# A Monday, 10:00 in Shanghai.
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="class")
def catalogue(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Report]]:
    """All 191 instruments with what they stand on; once for a class of tests.

    Each test's own transaction is nested in the one that is rolled back here.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield import_catalogue(FILES, at=NOW, demo=True)
        transaction.set_rollback(True)
