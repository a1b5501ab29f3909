"""Accessories, operators, configurations and seats as the facility's manager keeps them."""

import pytest
from django.db import IntegrityError, transaction

from bookings.actions.assign_operator import assign_operator
from bookings.actions.cancel import cancel_booking
from bookings.actions.change_capacity import change_capacity
from bookings.actions.save_accessory import save_accessory
from bookings.actions.save_operator import save_operator
from bookings.models import BookingEvent, Occupancy, Resource
from bookings.needs import Needs
from instruments.actions.save_configuration import save_configuration
from instruments.models import Configuration
from kernel.refusals import Malformed, NotAllowed, Refused, SlotTaken, WrongState
from tests import factories as f
from tests.bookings.test_request import NOW, book, change, codes, hours
from tests.bookings.test_resources import accessory, configuration, operator, standing


def keep_accessory(cast, **changes):
    wanted = {
        "by": cast.manager,
        "institution": cast.shanghai_lab,
        "code": "CRYO",
        "name_zh": "冷台",
        "name_en": "Cold stage",
        "serves": [cast.instrument],
    }
    return save_accessory(**wanted | changes)


def keep_operator(cast, **changes):
    wanted = {
        "by": cast.manager,
        "institution": cast.shanghai_lab,
        "person": cast.operator,
        "serves": [cast.instrument],
    }
    return save_operator(**wanted | changes)


def keep_configuration(cast, **changes):
    wanted = {
        "by": cast.manager,
        "instrument": cast.instrument,
        "code": "cold",
        "name_zh": "低温",
        "name_en": "Cold",
        "changeover_minutes": 30,
    }
    return save_configuration(**wanted | changes)


def assign(cast, booking, to, **changes):
    wanted = {"by": cast.manager, "booking": booking, "operator": to, "at": NOW}
    return assign_operator(**wanted | changes)


def capacity(cast, seats, **changes):
    wanted = {"by": cast.manager, "instrument": cast.instrument, "capacity": seats, "at": NOW}
    return change_capacity(**wanted | changes)


@pytest.mark.parametrize("keep", [keep_accessory, keep_operator, keep_configuration])
@pytest.mark.parametrize("who", ["researcher", "operator", "billing_office", "stranger"])
def test_only_the_facilitys_manager_keeps_them(cast, keep, who):
    with pytest.raises(NotAllowed):
        keep(cast, by=getattr(cast, who))
    assert not Resource.objects.exists()
    assert not Configuration.objects.exists()


def test_an_accessory_is_changed_as_a_whole_and_retired(cast):
    made = keep_accessory(cast)
    again = keep_accessory(
        cast, code="COLD", name_en="Cold", serves=[], is_active=False, accessory=made
    )
    again.refresh_from_db()
    assert (again.pk, again.code, again.name_en, again.is_active) == (
        made.pk,
        "COLD",
        "Cold",
        False,
    )
    assert not again.serves.exists()


def test_two_accessories_of_a_facility_do_not_share_a_code(cast):
    keep_accessory(cast)
    with pytest.raises(Refused) as refused:
        keep_accessory(cast)
    assert codes(refused) == ["code_taken"]
    with pytest.raises(IntegrityError), transaction.atomic():
        accessory(cast, "CRYO")
    other = f.InstitutionFactory()
    manager = f.person(other, "facility_manager")
    assert keep_accessory(cast, by=manager, institution=other, serves=[]).code == "CRYO"


def test_what_a_facility_keeps_serves_its_own_instruments(cast):
    foreign = f.InstrumentFactory()
    for keep in (keep_accessory, keep_operator):
        with pytest.raises(Malformed) as malformed:
            keep(cast, serves=[foreign])
        assert malformed.value.errors.keys() == {"instruments"}


def test_an_accessory_without_a_code_is_malformed(cast):
    with pytest.raises(Malformed):
        keep_accessory(cast, code="  ")


def test_an_operator_has_the_role_at_the_facility(cast):
    with pytest.raises(Refused) as refused:
        keep_operator(cast, person=cast.researcher)
    assert codes(refused) == ["not_an_operator"]
    assert keep_operator(cast).person == cast.operator


def test_a_manager_may_operate_too_and_an_office_may_not(cast):
    assert keep_operator(cast, person=cast.manager).person == cast.manager
    with pytest.raises(Refused) as refused:
        keep_operator(cast, person=cast.billing_office)
    assert codes(refused) == ["not_an_operator"]


def test_a_person_is_an_operator_of_a_facility_once(cast):
    made = keep_operator(cast)
    with pytest.raises(Refused) as refused:
        keep_operator(cast)
    assert codes(refused) == ["operator_exists"]
    retired = keep_operator(cast, operator=made, serves=[], is_active=False)
    assert (retired.pk, retired.is_active) == (made.pk, False)


def test_who_has_left_the_role_is_retired_and_not_changed(cast):
    made = keep_operator(cast)
    cast.operator.memberships.all().delete()
    with pytest.raises(Refused):
        keep_operator(cast, operator=made)
    assert not keep_operator(cast, operator=made, is_active=False).is_active


def test_retired_operators_are_picked_no_more(cast):
    change(cast.instrument, needs_operator=True)
    made = keep_operator(cast)
    keep_operator(cast, operator=made, is_active=False)
    with pytest.raises(Refused) as refused:
        book(cast)
    assert codes(refused) == ["no_operator_on_duty"]


def test_a_configuration_is_kept_once_per_instrument(cast):
    made = keep_configuration(cast)
    with pytest.raises(Refused) as refused:
        keep_configuration(cast)
    assert codes(refused) == ["code_taken"]
    saved = keep_configuration(cast, configuration=made, changeover_minutes=45, is_active=False)
    assert (saved.pk, saved.changeover_minutes, saved.is_active) == (made.pk, 45, False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "no spaces"}, "code"),
        ({"code": ""}, "code"),
        ({"changeover_minutes": -1}, "changeover_minutes"),
        ({"changeover_minutes": 20_000}, "changeover_minutes"),
        ({"name_zh": ""}, "name_zh"),
    ],
)
def test_a_configuration_out_of_shape_is_malformed(cast, changes, field):
    with pytest.raises(Malformed) as malformed:
        keep_configuration(cast, **changes)
    assert malformed.value.errors.keys() == {field}
    assert not Configuration.objects.exists()


def test_another_operator_takes_the_same_time(cast):
    change(cast.instrument, needs_operator=True, operator_minutes=60)
    first, second = operator(cast), operator(cast)
    booking = book(cast)
    assign(cast, booking, second)
    row = Occupancy.objects.get(booking=booking, resource__kind="operator", released_at=None)
    assert row.resource == second
    assert standing(booking, "operator") == [hours(24, 25)]
    event = BookingEvent.objects.filter(booking=booking).last()
    assert (event.kind, event.by) == ("operator_assigned", cast.manager)
    assert event.data == {"before": first.pk, "after": second.pk}
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    first.serves.add(other)
    assert book(cast, instrument=other).state == "approved"


def test_assigning_who_operates_already_changes_nothing(cast):
    change(cast.instrument, needs_operator=True)
    only = operator(cast)
    booking = book(cast)
    assign(cast, booking, only)
    assert booking.events.count() == 1


def test_only_a_manager_assigns(cast):
    change(cast.instrument, needs_operator=True)
    operator(cast)
    second = operator(cast)
    booking = book(cast)
    for person in (cast.researcher, cast.operator, cast.stranger):
        with pytest.raises(NotAllowed):
            assign(cast, booking, second, by=person)


def test_an_operator_must_serve_the_instrument_and_be_on_duty(cast, workdays):
    change(cast.instrument, needs_operator=True)
    operator(cast)
    elsewhere = operator(cast, instruments=[f.InstrumentFactory(institution=cast.shanghai_lab)])
    late = operator(cast, working_hours=workdays)
    retired = change(operator(cast), is_active=False)
    booking = book(cast)  # 08:00 to 10:00; workdays begin at 09:00
    for who, code in (
        (elsewhere, "does_not_serve"),
        (retired, "does_not_serve"),
        (accessory(cast), "does_not_serve"),
        (late, "not_on_duty"),
    ):
        with pytest.raises(Refused) as refused:
            assign(cast, booking, who)
        assert codes(refused) == [code]
    assert len(standing(booking, "operator")) == 1


def test_an_operator_who_is_taken_leaves_the_former_in_place(cast):
    change(cast.instrument, needs_operator=True)
    first, second = operator(cast), operator(cast)
    other = f.InstrumentFactory(institution=cast.shanghai_lab, needs_operator=True)
    second.serves.set([cast.instrument, other])
    booking = book(cast)
    book(cast, instrument=other)
    with pytest.raises(SlotTaken):
        assign(cast, booking, second)
    row = Occupancy.objects.get(booking=booking, resource__kind="operator", released_at=None)
    assert row.resource == first


def test_instruments_that_nobody_operates_and_bookings_that_ended_get_none(cast):
    someone = operator(cast)
    booking = book(cast)
    with pytest.raises(Refused) as refused:
        assign(cast, booking, someone)
    assert codes(refused) == ["no_operator_needed"]
    cancel_booking(by=cast.researcher, booking=booking, at=NOW)
    with pytest.raises(WrongState):
        assign(cast, booking, someone)


def test_more_seats_are_there_for_the_next_booking(cast):
    book(cast)
    with pytest.raises(SlotTaken):
        book(cast)
    capacity(cast, 2)
    cast.instrument.refresh_from_db()
    assert book(cast).state == "approved"


def test_fewer_seats_than_are_booked_are_refused_by_reference(cast):
    capacity(cast, 2)
    cast.instrument.refresh_from_db()
    book(cast)
    second = book(cast)
    with pytest.raises(Refused) as refused:
        capacity(cast, 1)
    assert codes(refused) == ["seats_booked"]
    assert refused.value.refusals[0].params == {"bookings": second.reference}
    cancel_booking(by=cast.researcher, booking=second, at=NOW)
    capacity(cast, 1)
    with pytest.raises(SlotTaken):
        # Read before the change: the seat itself says that it is gone.
        book(cast)
    capacity(cast, 2)
    assert book(cast).state == "approved"


def test_seats_are_the_managers_business_and_at_least_one(cast):
    for person in (cast.researcher, cast.operator, cast.stranger):
        with pytest.raises(NotAllowed):
            capacity(cast, 2, by=person)
    for seats in (0, 501):
        with pytest.raises(Malformed):
            capacity(cast, seats)


def test_a_retired_configuration_stays_on_its_bookings(cast):
    cold = configuration(cast, "cold")
    booking = book(cast, needs=Needs(configuration=cold))
    keep_configuration(cast, configuration=cold, is_active=False)
    booking.refresh_from_db()
    assert booking.configuration == cold
