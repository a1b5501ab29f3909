"""Loads the demo: catalogue, organisations, accounts, vouchers, and a past."""

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection, transaction

from billing.actions.grant_allotment import grant_allotment
from billing.actions.import_programmes import import_programmes
from billing.models import Programme
from demo.facilities import furnish
from demo.history import Historian
from demo.month_end import close_months
from demo.papers import papers, switch_mails_off
from demo.people import ALLOTMENTS, SINCE_DAYS, People, make_people
from demo.programmes import programmes_at_work
from demo.scene import Scene
from institutions.models import Institution, User
from instruments.actions.import_catalogue import import_catalogue

DATA = Path(__file__).parent / "data"
CATALOGUE = ("regions", "alliances", "instrument_categories", "institutions", "instruments")

Tell = Callable[[str], None]


def is_empty() -> bool:
    """Whether nobody has put anything in yet: no institution and no person."""
    return not Institution.objects.exists() and not User.objects.exists()


def load_demo(*, at: datetime, tell: Tell) -> None:
    """All of it in one transaction: a load that is killed leaves nothing, the next starts anew."""
    past = at - timedelta(days=100)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Nothing here is a promise to anybody yet; the commit itself is still durable.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        tell("catalogue: regions, institutions, instruments, tariffs")
        import_catalogue(
            [DATA / f"{name}.csv" for name in CATALOGUE],
            at=at,
            tariffs_from=past.date().replace(month=1, day=1),
            skip_bad=False,
            demo=True,
        )
        tell("organisations and accounts")
        people = make_people(at=at - timedelta(days=SINCE_DAYS))
        tell("voucher programmes and allotments")
        years = sorted({past.year, at.year, at.year + 1})
        with TemporaryDirectory() as folder:
            import_programmes(
                programmes_in_force(Path(folder), years), years=years, at=at, demo=True
            )
        _allot(people, years, at=past)
        tell("facilities: hours, rules, training, requests, use")
        scene = Scene(people, at)
        programmes_at_work(scene)
        furnish(scene)
        _measure()
        tell("three months of bookings")
        told = Historian(people, at=at, tell=lambda done: tell(f"  {done:4.0%}")).write()
        tell("  " + ", ".join(f"{count} {state}" for state, count in sorted(told.items())))
        tell("statements")
        switch_mails_off(people)
        tell(f"  {close_months(people, at=at)} issued")
        papers(people, at=at)
        _measure()


def _measure() -> None:
    """PostgreSQL measures tables by itself some time after a commit. Until then it would plan as
    if nothing were in them: minutes for what takes milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def programmes_in_force(folder: Path, years: list[int]) -> Path:
    """The voucher programmes as a file in `folder`, in force in all of `years` at least: their
    days are illustrative, and the demo is looked at in later years too."""
    with (DATA / "demo_programmes.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    target = folder / "programmes.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames or [])
        writer.writeheader()
        for row in rows:
            row["valid_from"] = min(row["valid_from"], f"{years[0]}-01-01")
            row["valid_until"] = max(row["valid_until"], f"{years[-1]}-12-31")
            writer.writerow(row)
    return target


def _allot(people: People, years: list[int], *, at: datetime) -> None:
    """Every holder's allotments of each year, at the programme's yearly cap."""
    programmes = {
        programme.code: programme for programme in Programme.objects.prefetch_related("terms")
    }
    for holder, codes in ALLOTMENTS:
        for code in codes:
            programme = programmes[code]
            cap = programme.terms.all()[0].annual_cap
            for year in years:
                grant_allotment(
                    by=people.users["admin"],
                    programme=programme,
                    holder=people.institutions[holder],
                    year=year,
                    cap=cap,
                    at=at,
                )
