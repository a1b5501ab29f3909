"""What a facility books out besides its instruments: accessories, set-ups, people who operate."""

from datetime import datetime, timedelta

from bookings.actions.request import request_booking
from bookings.actions.save_accessory import save_accessory
from bookings.actions.save_operator import save_operator
from bookings.needs import Needs
from institutions.models import Role
from instruments.actions.save_configuration import save_configuration
from instruments.models import Instrument
from kernel.periods import Period
from tests import factories as f
from tests.conftest import Cast

# Who operates besides the cast's operator, and who could but does not yet.
SECOND, THIRD = "second@example.test", "third@example.test"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def made_equipment(cast: Cast, instruments: dict[str, Instrument], now: datetime) -> None:
    """One accessory and one set-up in use, and two operators, one of whom is booked."""
    lab, own, assisted = cast.shanghai_lab, instruments["own"], instruments["assisted"]
    cryostat = save_accessory(
        by=cast.manager,
        institution=lab,
        code="CRYO",
        name_zh="低温恒温器",
        name_en="Cryostat",
        serves=[own],
    )
    cold = save_configuration(
        by=cast.manager, instrument=own, code="cold", name_zh="低温", name_en="Cold"
    )
    f.person(lab, Role.OPERATOR, email=THIRD)
    for person in (cast.operator, f.person(lab, Role.OPERATOR, email=SECOND)):
        save_operator(by=cast.manager, institution=lab, person=person, serves=[assisted])
    for instrument, needs in (
        (own, Needs(accessories=(cryostat,), configuration=cold)),
        (assisted, Needs()),
    ):
        request_booking(
            by=cast.researcher,
            instrument=instrument,
            project=cast.project,
            purpose="A look",
            period=Period(now + 7 * DAY, now + 7 * DAY + 2 * HOUR),
            needs=needs,
            at=now,
        )
