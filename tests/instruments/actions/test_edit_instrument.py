from decimal import Decimal

import pytest
from django.apps import apps

from institutions.models import Role
from instruments.actions.edit_instrument import EDITABLE, edit_instrument
from instruments.models import Instrument
from instruments.search import Search
from kernel.refusals import Malformed, NotAllowed
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    return f.InstrumentFactory(price=False)


def test_a_manager_renames_an_instrument_and_it_is_found(instrument: Instrument) -> None:
    manager = f.person(instrument.institution, Role.FACILITY_MANAGER)
    edit_instrument(by=manager, instrument=instrument, values={"name_en": "Calorimeter"})
    assert Instrument.objects.filter(Search("calorimeters").matches()).get() == instrument


def test_what_somebody_else_changed_meanwhile_stays(instrument: Instrument) -> None:
    manager = f.person(instrument.institution, Role.FACILITY_MANAGER)
    Instrument.objects.filter(pk=instrument.pk).update(location="B1")
    edited = edit_instrument(by=manager, instrument=instrument, values={"contact": "Desk"})
    assert (edited.location, edited.contact) == ("B1", "Desk")
    assert Instrument.objects.get().location == "B1"


def test_changing_nothing_leaves_no_trace(instrument: Instrument) -> None:
    manager = f.person(instrument.institution, Role.FACILITY_MANAGER)
    events = apps.get_model("instruments", "InstrumentEvent").objects
    before = events.count()
    edit_instrument(by=manager, instrument=instrument, values={})
    assert events.count() == before


def test_nobody_else_edits_it(instrument: Instrument) -> None:
    operator = f.person(instrument.institution, Role.OPERATOR)
    with pytest.raises(NotAllowed):
        edit_instrument(by=operator, instrument=instrument, values={"name_en": "Mine"})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"code": "NEW"}, "code"),
        ({"is_demo": False}, "is_demo"),
        ({"name_zh": ""}, "name_zh"),
        ({"status": "broken"}, "status"),
        ({"granularity_minutes": 0}, "__all__"),
        ({"min_minutes": 60, "max_minutes": 30}, "__all__"),
        ({"no_show_share": Decimal("1.5")}, "__all__"),
        ({"original_value": Decimal("-1")}, "__all__"),
    ],
)
def test_refuses_values_that_make_no_sense(
    instrument: Instrument, values: dict[str, object], field: str
) -> None:
    manager = f.person(instrument.institution, Role.FACILITY_MANAGER)
    with pytest.raises(Malformed) as caught:
        edit_instrument(by=manager, instrument=instrument, values=values)
    assert set(caught.value.errors) == {field}
    assert Instrument.objects.get().code == instrument.code


def test_what_can_be_edited_exists() -> None:
    assert set(EDITABLE) <= {field.name for field in Instrument._meta.fields}
