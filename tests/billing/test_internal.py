"""Internal transfers: a journal by project, and exports in which each stands once."""

import io
from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from billing import transfers
from billing.actions.approve_charge import approve_charge
from billing.actions.export_transfers import export_transfers
from billing.models import Charge, InternalExport, InternalExportLine
from institutions.actions.edit_project import edit_project
from institutions.models import Project
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db

MARCH = date(2026, 3, 1)
APRIL = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def own(cast: Cast) -> Project:
    made = f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-1")
    made.fund_number = "11700123"
    made.save()
    return made


def transferred(cast: Cast, own: Project) -> Charge:
    charge = b.used(cast, b.held(cast, project=own))
    return approve_charge(by=cast.billing_office, charge=charge, at=APRIL)


def exported(cast: Cast, month: date | None = None) -> InternalExport:
    return export_transfers(
        by=cast.billing_office, institution=cast.shanghai_lab, month=month, at=APRIL
    )


def written(cast: Cast, charge: Charge, *, number: int) -> None:
    """Past the action, straight into the tables."""
    with transaction.atomic():
        export = InternalExport.objects.create(
            institution=cast.shanghai_lab, number=number, at=APRIL, by=cast.billing_office
        )
        InternalExportLine.objects.create(export=export, charge=charge)


def test_each_transfer_is_exported_once_under_the_next_number(cast: Cast, own: Project) -> None:
    first = transferred(cast, own)
    one = exported(cast)
    second = transferred(cast, own)
    two = exported(cast, MARCH)
    assert [(e.number, [line.charge for line in e.lines.all()]) for e in (one, two)] == [
        (1, [first]),
        (2, [second]),
    ]
    with pytest.raises(Refused) as caught:
        exported(cast)
    assert caught.value.refusals[0].code == "nothing_to_export"


def test_an_export_keeps_the_fund_numbers_that_it_was_made_with(cast: Cast, own: Project) -> None:
    transferred(cast, own)
    export = exported(cast)
    values = {"fund_number": "999"}
    edit_project(by=cast.billing_office, project=own, values=values, at=APRIL)
    assert [row[6] for row in transfers.rows(InternalExport.objects.get(pk=export.pk))] == [
        "11700123"
    ]
    assert transfers.journal(cast.shanghai_lab).get()["fund_number"] == "999"


def test_another_months_transfers_wait(cast: Cast, own: Project) -> None:
    transferred(cast, own)
    with pytest.raises(Refused):
        exported(cast, date(2026, 2, 1))


def test_nobody_but_the_billing_office_exports(cast: Cast, own: Project) -> None:
    transferred(cast, own)
    for user in (cast.manager, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            export_transfers(by=user, institution=cast.shanghai_lab, at=APRIL)


def test_the_database_lets_no_row_into_two_exports(cast: Cast, own: Project) -> None:
    charge = transferred(cast, own)
    exported(cast)
    with pytest.raises(IntegrityError, match="charge_id"):
        written(cast, charge, number=2)
    with pytest.raises(DatabaseError, match="internal_export_append_only"), transaction.atomic():
        InternalExport.objects.update(number=9)


def test_the_database_exports_an_institutions_own_transfers_only(cast: Cast, own: Project) -> None:
    foreign = b.used(cast, b.held(cast))
    with pytest.raises(IntegrityError, match="no internal transfer"):
        written(cast, foreign, number=1)


def test_the_api_shows_the_journal_and_makes_exports(cast: Cast, own: Project) -> None:
    transferred(cast, own)
    office, code = Api(cast.billing_office), cast.shanghai_lab.code
    [row] = office.get("/api/v1/internal-transfers/", {"institution": code}).json()["results"]
    assert row == {
        "project": "IN-1",
        "project_name": own.name,
        "fund_number": "11700123",
        "period": "2026-03",
        "charges": 1,
        "amount": "800.00",
        "waiting": "800.00",
    }
    made = office.post("/api/v1/internal-exports/", {"institution": code})
    assert made.status_code == 201, made.json()
    assert (made.json()["number"], made.json()["amount"]) == (1, "800.00")
    assert office.post("/api/v1/internal-exports/", {"institution": code}).status_code == 422
    assert office.get("/api/v1/internal-exports/").json()["results"] == [made.json()]
    for user in (cast.payer_office, cast.stranger):
        stranger = Api(user)
        assert stranger.get("/api/v1/internal-exports/").json()["results"] == []
        path = "/api/v1/internal-transfers/"
        assert stranger.get(path, {"institution": code}).status_code == 403
        assert stranger.post("/api/v1/internal-exports/", {"institution": code}).status_code == 403


@pytest.mark.parametrize(
    ("language", "title"), [("en", "In no export yet"), ("zh-hans", "尚未导出")]
)
def test_the_page_exports_and_gives_the_file_again(
    client: Client, cast: Cast, own: Project, language: str, title: str
) -> None:
    charge = transferred(cast, own)
    client.force_login(cast.billing_office)
    shown = client.get("/billing/internal/", headers={"accept-language": language})
    assert title in shown.content.decode()
    assert "11700123" in shown.content.decode()
    assert client.post("/billing/internal/").status_code == 302
    assert client.post("/billing/internal/").status_code == 422
    export = InternalExport.objects.get()
    file = client.get(f"/billing/internal/{export.pk}/csv/")
    text = b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]
    assert charge.reference in text
    assert "11700123" in text
    book = client.get(f"/billing/internal/{export.pk}/xlsx/")
    content = b"".join(book.streaming_content)  # type: ignore[attr-defined]
    [_, row] = load_workbook(io.BytesIO(content)).active.values
    assert (row[2], row[-1]) == (charge.reference, 800)
    client.force_login(cast.payer_office)
    assert client.get(f"/billing/internal/{export.pk}/csv/").status_code == 404
    client.force_login(cast.stranger)
    assert client.get("/billing/internal/").status_code == 403


def test_the_journal_takes_as_many_queries_for_many_projects(
    client: Client, cast: Cast, own: Project
) -> None:
    client.force_login(cast.billing_office)
    transferred(cast, own)
    client.get("/billing/internal/")
    with CaptureQueriesContext(connection) as few:
        client.get("/billing/internal/")
    for number in range(3):
        other = f.project(cast.shanghai_lab, cast.manager, cast.researcher, code=f"IN-X{number}")
        transferred(cast, other)
    with CaptureQueriesContext(connection) as many:
        client.get("/billing/internal/")
    assert len(many) == len(few)
