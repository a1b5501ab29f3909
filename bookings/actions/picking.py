"""Choosing what a booking takes among locked resources: a seat, accessories, an operator."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from bookings import attendance
from bookings.actions import changeovers
from bookings.actions.changeovers import Plan
from bookings.actions.claims import locked_for, seats_of, with_margins
from bookings.models import Occupancy, Resource, ResourceKind
from bookings.needs import Claim, Needs
from instruments.models import Instrument
from kernel.periods import Period, hull
from kernel.refusals import SlotTaken


def pick(instrument: Instrument, period: Period, needs: Needs, *, at: datetime) -> list[Claim]:
    """Locks what a booking of `period` may take and chooses: a seat, every accessory, an operator.

    All of them or none: raises `SlotTaken` where one is not free. Of several seats the one that
    needs no change-over comes first; what others gain or lose of theirs by it is settled here.
    Holds that have run out are released, so no job has to run in time.
    """
    return picked(instrument, period, needs, locked_for(instrument, needs), at=at)


def picked(
    instrument: Instrument,
    period: Period,
    needs: Needs,
    locked: Sequence[Resource],
    *,
    at: datetime,
) -> list[Claim]:
    """`pick` among resources that are locked already."""
    taken, attended = with_margins(instrument, period), attendance.span(instrument, period)
    plans = changeovers.plans(seats_of(instrument, locked), taken, needs.configuration, at=at)
    spans = [taken, *(one for plan in plans.values() for one in plan.lacking.values())]
    going = [booking for plan in plans.values() for booking in plan.needless]
    window = hull([*spans, attended] if attended else spans)
    busy = busy_of(locked, window, going=going, at=at)
    if busy.holds_ran_out:
        # Others may change over otherwise without them, which is settled before we come.
        changeovers.settle(locked, at=at)
        return picked(instrument, period, needs, locked, at=at)
    seat, plan = _free_seat(plans, taken, busy)
    changes = changeovers.enter(seat, plan, at=at)
    chosen = [Claim(seat, taken), *(Claim(seat, one, is_changeover=True) for one in changes)]
    for accessory in needs.accessories:
        if busy.meets(accessory, taken):
            raise SlotTaken
        chosen.append(Claim(accessory, taken))
    if attended:
        operators = [one for one in locked if one.kind == ResourceKind.OPERATOR]
        chosen.append(_attended_by(attendance.on_duty(operators, attended), attended, busy))
    return chosen


class Taken:
    """The taken time of locked resources; `holds_ran_out`: some was given back just now."""

    def __init__(self, rows: Iterable[tuple[int, Period]], *, holds_ran_out: bool = False) -> None:
        self.holds_ran_out = holds_ran_out
        self._taken: dict[int, list[Period]] = defaultdict(list)
        for resource_id, period in rows:
            self._taken[resource_id].append(period)

    def meets(self, resource: Resource, period: Period) -> bool:
        return any(period.overlaps(taken) for taken in self._taken[resource.pk])


def busy_of(
    resources: Sequence[Resource],
    window: Period,
    *,
    going: Collection[int] = (),
    at: datetime,
) -> Taken:
    """What is taken of locked resources in `window`, but for change-overs of the bookings (pks)
    `going`, which can be given back; holds that have run out are released."""
    found = Occupancy.objects.filter(resource__in=resources, released_at=None).during(window)
    if going:
        found = found.exclude(pk__in=changeovers.needless(going, at=at).values("pk"))
    rows = list(found.values_list("resource_id", "during", "held_until"))
    ran_out = any(until and until <= at for _, _, until in rows)
    if ran_out:
        found.filter(held_until__lte=at).update(released_at=at)
    return Taken(
        (
            (resource_id, Period.of_range(during))
            for resource_id, during, until in rows
            if not until or until > at
        ),
        holds_ran_out=ran_out,
    )


def _free_seat(plans: Mapping[Resource, Plan], taken: Period, busy: Taken) -> tuple[Resource, Plan]:
    for seat, plan in sorted(plans.items(), key=lambda one: (len(one[1].lacking), one[0].pk)):
        changes = list(plan.lacking.values())
        if any(one.overlaps(taken) for one in changes):
            continue
        if not any(busy.meets(seat, one) for one in [taken, *changes]):
            return seat, plan
    raise SlotTaken


def _attended_by(operators: Iterable[Resource], attended: Period, busy: Taken) -> Claim:
    for one in operators:
        if not busy.meets(one, attended):
            return Claim(one, attended)
    raise SlotTaken
