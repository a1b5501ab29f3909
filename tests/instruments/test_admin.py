from datetime import date

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from instruments.models import (
    Category,
    Instrument,
    OpeningCalendar,
    OpeningException,
    Qualification,
    Tariff,
)
from instruments.search import Search
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(f.UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize(
    "table", [Category, Instrument, OpeningCalendar, OpeningException, Qualification, Tariff]
)
def test_every_table_of_the_catalogue_can_be_looked_through(
    office: Client, table: type, settings: object
) -> None:
    f.QualificationFactory(instrument=f.InstrumentFactory(code="A-1"))
    OpeningException.objects.create(
        calendar=f.OpeningCalendarFactory(),
        first_on=date(2026, 3, 2),
        last_on=date(2026, 3, 2),
        reason="Audit",
    )
    name = f"admin:instruments_{table.__name__.lower()}"
    assert office.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
    row = table.objects.first()  # type: ignore[attr-defined]
    assert office.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert office.get(reverse(f"{name}_add")).status_code == 403
    assert office.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_change_goes_through_the_action(office: Client) -> None:
    made = f.InstrumentFactory(price=False)
    url = reverse("admin:instruments_instrument_change", args=[made.pk])
    form = office.get(url).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value is not None and value is not False}
    data |= {"name_en": "Calorimeter", "techniques": "DSC,TGA"}
    data |= {"tariffs-TOTAL_FORMS": "0", "tariffs-INITIAL_FORMS": "0"}
    response = office.post(url, data)
    assert response.status_code == 302, response.context["errors"]
    changed = Instrument.objects.filter(Search("calorimeter").matches()).get()
    assert changed.techniques == ["DSC", "TGA"]


def test_prices_cannot_be_changed_here() -> None:
    assert not site.get_model_admin(Tariff).has_change_permission(None)  # type: ignore[arg-type]
