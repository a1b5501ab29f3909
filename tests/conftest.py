"""The cast: a Suzhou firm, a Shanghai lab, and the people who work there."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.test import override_settings
from rest_framework.test import APIClient

from institutions.models import Institution, Project, Role, User
from instruments.models import Instrument
from tests import factories as f


@dataclass
class Cast:
    """Two cities, one instrument, and everybody the main job needs."""

    shanghai_lab: Institution
    suzhou_firm: Institution
    manager: User
    operator: User
    billing_office: User
    researcher: User
    principal: User
    payer_office: User
    stranger: User
    project: Project
    instrument: Instrument


@pytest.fixture
def cast(db: None) -> Cast:
    return made_cast()


def made_cast() -> Cast:
    """The cast as rows, for fixtures that live longer than one test."""
    lab = f.InstitutionFactory(code="LAB-SH", kind="university", region=f.region("310110"))
    firm = f.InstitutionFactory(code="FIRM-SZ", kind="enterprise", region=f.region("320571"))
    principal = f.person(firm)
    researcher = f.person(firm)
    return Cast(
        shanghai_lab=lab,
        suzhou_firm=firm,
        manager=f.person(lab, Role.FACILITY_MANAGER),
        operator=f.person(lab, Role.OPERATOR),
        billing_office=f.person(lab, Role.BILLING_OFFICER),
        researcher=researcher,
        principal=principal,
        payer_office=f.person(firm, Role.BILLING_OFFICER),
        stranger=f.UserFactory(),
        project=f.project(firm, principal, researcher, code="SZ-001"),
        instrument=f.InstrumentFactory(institution=lab, code="LAB-001"),
    )


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> Iterator[None]:
    """Pages name their files as they are: a fresh checkout has collected none yet."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture
def api() -> "type[Api]":
    return Api


class Api(APIClient):
    """A JSON client signed in as `user` (None: nobody)."""

    default_format = "json"

    def __init__(self, user: User | None = None) -> None:
        super().__init__()
        if user is not None:
            self.force_authenticate(user)
