"""The back office looks at bookings and changes nothing there."""

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from bookings.models import BookingRule
from tests import factories as f
from tests.bookings.rules import rule
from tests.conftest import Cast

OURS = [model for model in site._registry if model._meta.app_label == "bookings"]


@pytest.fixture
def office(cast: Cast) -> Client:
    client = Client()
    client.force_login(f.UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("table", OURS, ids=lambda table: table.__name__)
def test_every_table_is_looked_through_and_nothing_is_added(office: Client, table: type) -> None:
    name = f"admin:bookings_{table.__name__.lower()}"
    assert office.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
    assert office.get(reverse(f"{name}_add")).status_code == 403


def test_a_rule_is_read_there_and_changed_on_its_own_pages_alone(
    office: Client, cast: Cast
) -> None:
    made = rule(cast.shanghai_lab, "simultaneous", most=2, created_by=cast.manager)
    change = reverse("admin:bookings_bookingrule_change", args=[made.pk])
    assert office.get(change).status_code == 200
    assert office.post(change, {"most": "9"}).status_code == 403
    delete = reverse("admin:bookings_bookingrule_delete", args=[made.pk])
    assert office.post(delete, {"post": "yes"}).status_code == 403
    assert BookingRule.objects.get().most == 2
