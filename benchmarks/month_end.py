"""How long the end of a month of 10,000 charges takes, in what memory: `script/bench month_end`.

Makes bookings and charges in a transaction, a thousand at a time, runs what `manage.py month_end`
runs, prints seconds and the peak memory of the process, and rolls back.
"""

import argparse
import os
import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import django

MONTH = date(2026, 3, 1)
NINE = datetime(2026, 3, 2, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 2, 2, tzinfo=UTC)
AT_ONCE, PAYERS = 1_000, 40
BUDGET_MB = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charges", type=int, default=10_000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings
    from django.db import transaction

    from billing.actions.month_end import Outcome, month_end
    from config.prepare import migrate

    if settings.EMBEDDED_DATABASE:
        migrate()
    with transaction.atomic():
        office, provider = made(options.charges)
        began, steps = time.perf_counter(), 0
        for _ in month_end(
            by=office, institution=provider, month=MONTH, outcome=Outcome(), at=APRIL
        ):
            steps += 1
        taken = time.perf_counter() - began
        transaction.set_rollback(True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{options.charges} charges of {PAYERS} payers: {taken:.0f} s in {steps} steps,"
        f" peak memory {peak:.0f} MB"
    )
    if peak > BUDGET_MB:
        sys.exit(f"Over the budget of {BUDGET_MB} MB.")


def made(charges: int):  # type: ignore[no-untyped-def]
    """The billing officer and the provider, with so many charges in review."""
    from institutions.models import Role
    from tests import factories as f

    provider = f.InstitutionFactory()
    office = f.person(provider, Role.BILLING_OFFICER)
    instrument = f.InstrumentFactory(institution=provider)
    person = f.person(provider, Role.MEMBER)
    projects = [f.project(f.InstitutionFactory(), person, person) for _ in range(PAYERS)]
    for start in range(0, charges, AT_ONCE):
        some = range(start, min(charges, start + AT_ONCE))
        _charge(instrument, person, [projects[number % PAYERS] for number in some])
    return office, provider


def _charge(instrument, person, projects) -> None:  # type: ignore[no-untyped-def]
    from billing.actions.make_charges import Draft, make_charges
    from billing.models import ChargeKind
    from bookings.models import Booking, Occupancy, Resource
    from bookings.till import Line
    from kernel.periods import Period
    from kernel.references import new_reference

    during = Period(NINE, NINE + timedelta(hours=2)).as_range()
    bookings = Booking.objects.bulk_create(
        Booking(
            reference=new_reference("BK"),
            instrument=instrument,
            requester=person,
            project=project,
            state="approved",
            during=during,
            quantity=Decimal(1),
            created_at=NINE - timedelta(days=1),
        )
        for project in projects
    )
    # Time of its own for each: money does not look at the calendar.
    resources = Resource.objects.bulk_create(
        Resource(kind="accessory", institution=instrument.institution) for _ in bookings
    )
    Occupancy.objects.bulk_create(
        Occupancy(resource=own, during=during, kind="booking", booking=booking)
        for own, booking in zip(resources, bookings, strict=True)
    )
    line = Line("use", Decimal(2), "hour", Decimal(500), Decimal(1000))
    make_charges(
        drafts=[Draft(booking, ChargeKind.USE, (line,), MONTH) for booking in bookings],
        by=None,
        at=NINE + timedelta(hours=3),
    )


if __name__ == "__main__":
    main()
