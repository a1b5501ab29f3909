"""How long a week's opening hours of 200 instruments take: `script/bench opening_hours`.

Makes the calendars in a transaction, prints the milliseconds of the fastest, median and slowest
reading, each of another week, so that nothing is remembered from the last one, and rolls back.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

import django

INSTRUMENTS = 200
BUDGET_MS = 50
# A Monday; the rules below began fifteen years before.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
BEGAN = date(2011, 1, 3)
WEEK = timedelta(days=7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    slow = list(measured(options.rounds))
    if any(slow):
        sys.exit(f"Over the budget of {BUDGET_MS} ms.")


def measured(rounds: int) -> Iterator[bool]:
    """Prints a line for each set of calendars, and says whether its median is over the budget."""
    from django.conf import settings
    from django.db import transaction

    from config.prepare import migrate
    from instruments.calendars import opening_periods
    from kernel.periods import Period

    if settings.EMBEDDED_DATABASE:
        migrate()
    with transaction.atomic():
        calendars = [calendar(number) for number in range(INSTRUMENTS)]
        for label, chosen in (
            ("a calendar each", calendars),
            ("five shared calendars", calendars[:5]),
        ):
            taken = []
            for week in range(rounds):
                window = Period(MONDAY + week * WEEK, MONDAY + (week + 1) * WEEK)
                began = time.perf_counter()
                opening_periods(chosen, window)
                taken.append((time.perf_counter() - began) * 1000)
            median = statistics.median(taken)
            print(
                f"a week of {INSTRUMENTS} instruments, {label}: fastest {min(taken):.1f} ms, "
                f"median {median:.1f} ms, slowest {max(taken):.1f} ms"
            )
            yield median > BUDGET_MS
        transaction.set_rollback(True)


def calendar(number: int):  # type: ignore[no-untyped-def]
    """One instrument's own hours: workdays in two spans, two old rules, holidays, exceptions."""
    from instruments.calendars import RecurringSpan, WeeklySpan, save_weekly
    from instruments.models import OpeningException

    morning, noon = clock_time(8, number % 60), clock_time(12, number % 60)
    evening, night = clock_time(18, number % 60), clock_time(22, number % 60)
    began = BEGAN + timedelta(days=number)
    made = save_weekly(
        slug=f"benchmark-{number}",
        name=f"Benchmark {number}",
        timezone="Asia/Shanghai" if number % 10 else "America/New_York",
        holiday_country="CN" if number % 10 else "US",
        makeup_days=True,
        spans=[
            WeeklySpan(frozenset(range(5)), morning, noon),
            WeeklySpan(frozenset(range(5)), clock_time(13), evening),
            RecurringSpan("WEEKLY", "byweekday:SA;interval:2", morning, noon, began),
            RecurringSpan("MONTHLY", "byweekday:MO;bysetpos:1", evening, night, began),
        ],
    )
    OpeningException.objects.bulk_create(
        OpeningException(
            calendar=made,
            first_on=MONDAY.date() + timedelta(days=number + 7 * place),
            last_on=MONDAY.date() + timedelta(days=number + 7 * place),
            opens=None if place % 2 else 600,
            closes=None if place % 2 else 900,
            reason="Benchmark",
        )
        for place in range(10)
    )
    return made


if __name__ == "__main__":
    main()
