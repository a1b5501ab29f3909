"""The facilities' examples can be made on any day that somebody starts the demo on."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings.models import Booking, Occupancy
from demo.facilities import furnish
from demo.load import CATALOGUE, DATA
from demo.people import make_people
from demo.scene import Scene
from instruments.actions.import_catalogue import import_catalogue
from tests.demo.features import facilities_show_everything
from tests.invariants import money_adds_up, nothing_overlaps

DAYS = (
    datetime(2026, 2, 17, 3, 0, tzinfo=UTC),  # the first day of the Spring Festival
    datetime(2026, 3, 4, 23, 40, tzinfo=UTC),  # Thursday 07:40 in Shanghai
    datetime(2026, 10, 9, 1, 0, tzinfo=UTC),  # just after a week of holidays
    datetime(2026, 11, 28, 5, 0, tzinfo=UTC),  # a Saturday
    datetime(2026, 12, 31, 15, 59, tzinfo=UTC),  # a minute before the new year
    datetime(2028, 2, 29, 5, 30, tzinfo=UTC),
)


@pytest.mark.parametrize("at", DAYS, ids=str)
def test_the_facilities_are_furnished_on_any_day(db, at):
    past = at - timedelta(days=100)
    import_catalogue(
        [DATA / f"{name}.csv" for name in CATALOGUE],
        at=at,
        tariffs_from=past.date().replace(month=1, day=1),
        skip_bad=False,
        demo=True,
    )
    furnish(Scene(make_people(at=past), at))
    facilities_show_everything(at)
    nothing_overlaps()
    money_adds_up()
    assert Booking.objects.filter(during__startswith__gt=at, state="approved").count() >= 4
    assert not Occupancy.objects.filter(resource__instrument__code="FDU-001").exists()
