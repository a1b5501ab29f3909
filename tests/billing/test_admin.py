"""The back office shows money and changes none."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from billing.models import ProgrammeTerms
from institutions.models import User
from tests.billing import factories as b
from tests.conftest import Cast

pytestmark = pytest.mark.django_db

MONEY = [model for model in admin.site._registry if model._meta.app_label == "billing"]


@pytest.fixture
def office(cast: Cast) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("admin@example.test", "x"))
    return client


@pytest.mark.parametrize("model", MONEY, ids=lambda model: model._meta.model_name)
def test_every_table_opens(cast: Cast, office: Client, model: type) -> None:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    b.used(cast, b.held(cast, programme="HU-SU"))
    name = model._meta.model_name  # type: ignore[attr-defined]
    assert office.get(reverse(f"admin:billing_{name}_changelist")).status_code == 200
    for row in model._default_manager.all()[:1]:  # type: ignore[attr-defined]
        page = office.get(reverse(f"admin:billing_{name}_change", args=[row.pk]))
        assert page.status_code == 200
        if name not in ("programme", "programmeterms"):
            assert 'name="_save"' not in page.content.decode()
            added = office.get(reverse(f"admin:billing_{name}_add"))
            assert added.status_code == 403


def test_terms_that_are_used_are_only_looked_at(cast: Cast, office: Client) -> None:
    terms = b.terms()
    page = reverse("admin:billing_programmeterms_change", args=[terms.pk])
    assert 'name="_save"' in office.get(page).content.decode()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    b.held(cast, programme="HU-SU")
    assert 'name="_save"' not in office.get(page).content.decode()


def test_terms_that_overlap_are_told_in_the_form(cast: Cast, office: Client) -> None:
    terms = b.terms()
    values = {
        "programme": terms.programme_id,
        "version": 2,
        "holder_regions": [region.pk for region in terms.holder_regions.all()],
        "provider_regions": [region.pk for region in terms.provider_regions.all()],
        "holder_kinds": "enterprise",
        "service_kinds": "instrument",
        "rate": "0.5",
        "settlement": "net",
        "cap_per": "holder",
        "valid_from": "2027-12-31",
        "valid_until": "2028-12-31",
    }
    answer = office.post(reverse("admin:billing_programmeterms_add"), values)
    assert answer.status_code == 200
    assert ProgrammeTerms.objects.count() == 1
    office.post(reverse("admin:billing_programmeterms_add"), values | {"valid_from": "2028-01-01"})
    assert ProgrammeTerms.objects.count() == 2
