"""Gapless numbers of documents."""

from datetime import datetime

from billing.actions.post_entry import lock_books
from billing.days import day_of
from billing.models import NumberCounter, Series
from institutions.models import Institution


def next_number(provider: Institution, at: datetime, *, series: Series = Series.STATEMENT) -> str:
    """`FDU-2026-000123`, credit notes `FDU-2026-C000123`; the year is that of `at` in the
    provider's zone.

    The counter's lock is held until the commit, so a rollback leaves no gap; it is the last lock
    of all, after that of the books, which every number's document is posted to.
    """
    lock_books(provider)
    year = day_of(provider, at).year
    which = {"institution": provider, "year": year, "series": series}
    NumberCounter.objects.bulk_create([NumberCounter(**which)], ignore_conflicts=True)
    counter = NumberCounter.objects.select_for_update(no_key=True).get(**which)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{provider.code}-{year}-{series.value}{counter.last:06}"
