"""The races' own helper: it hides neither a deadlock nor a crash."""

import threading
from collections.abc import Callable

import pytest
from django.db import transaction

from institutions.models import Institution
from kernel.constraints import as_refusals
from tests import factories as f
from tests.race.conftest import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_a_deadlock_is_no_outcome() -> None:
    first, second = f.InstitutionFactory().pk, f.InstitutionFactory().pk
    both = threading.Barrier(2)

    def locking(one: int, other: int) -> Callable[[], None]:
        def lock() -> None:
            rows = Institution.objects.select_for_update()
            with as_refusals(), transaction.atomic():
                rows.get(pk=one)
                both.wait(20)
                rows.get(pk=other)

        return lock

    with pytest.raises(AssertionError, match="deadlock"):
        race([locking(first, second), locking(second, first)])


def test_a_crash_is_no_outcome() -> None:
    with pytest.raises(ZeroDivisionError):
        race([lambda: 1, lambda: 1 // 0])
