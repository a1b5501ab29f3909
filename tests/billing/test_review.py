"""The payer has days for review; what nobody disputed in them is approved by itself."""

from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.actions.approve_reviewed import approve_reviewed
from billing.actions.dispute_charge import dispute_charge
from billing.actions.edit_settings import edit_settings
from billing.actions.tell_payer import tell_payer
from billing.models import BillingSettings, Charge, LedgerEntry
from institutions.models import Institution, Role
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.billing import factories as b
from tests.conftest import Api, Cast

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
# 23:59 of the last day in Shanghai for a charge of Monday the 2nd, and the minute after.
LAST_MINUTE = b.NINE + timedelta(days=7, hours=14, minutes=59)
TOO_LATE = LAST_MINUTE + timedelta(minutes=1)


def reviewed(cast: Cast, days: int | None = 7) -> BillingSettings:
    return edit_settings(
        by=cast.billing_office, institution=cast.shanghai_lab, values={"review_days": days}
    )


def charged(cast: Cast, **fields: object) -> Charge:
    return b.used(cast, b.held(cast, **fields))  # type: ignore[arg-type]


def own_project(cast: Cast) -> object:
    return f.project(cast.shanghai_lab, cast.manager, cast.researcher, code="IN-1")


def state(charge: Charge) -> str:
    return Charge.objects.get(pk=charge.pk).state


def test_a_charge_says_until_when_it_can_be_disputed(cast: Cast) -> None:
    reviewed(cast)
    assert charged(cast).review_until == date(2026, 3, 9)


def test_without_days_for_review_a_charge_waits_for_somebody(cast: Cast) -> None:
    charge = charged(cast)
    assert charge.review_until is None
    assert approve_reviewed(at=b.NINE + 400 * DAY) == 0
    assert state(charge) == "in_review"


def test_it_is_approved_when_the_last_day_has_ended_where_the_provider_is(cast: Cast) -> None:
    reviewed(cast)
    charge = charged(cast)
    assert approve_reviewed(at=LAST_MINUTE) == 0
    assert state(charge) == "in_review"
    assert approve_reviewed(at=TOO_LATE) == 1
    assert state(charge) == "approved"
    assert charge.events.get(kind="approved").by is None
    assert approve_reviewed(at=TOO_LATE) == 0


def test_a_disputed_charge_is_not_approved_by_time(cast: Cast) -> None:
    reviewed(cast)
    charge = charged(cast)
    dispute_charge(by=cast.payer_office, charge=charge, reason="Too long", at=b.NINE)
    assert approve_reviewed(at=TOO_LATE) == 0
    assert state(charge) == "disputed"


def test_an_internal_charge_is_transferred_and_posted_then(cast: Cast) -> None:
    reviewed(cast)
    charge = charged(cast, project=own_project(cast))
    assert approve_reviewed(at=TOO_LATE) == 1
    assert state(charge) == "transferred"
    assert LedgerEntry.objects.get().charge == charge


def test_other_days_are_for_charges_made_from_now_on(cast: Cast) -> None:
    reviewed(cast)
    charge = charged(cast)
    reviewed(cast, 1)
    charge.refresh_from_db()
    assert charge.review_until == date(2026, 3, 9)


def test_the_payer_is_told_in_both_languages_by_a_job_of_the_same_transaction(cast: Cast) -> None:
    reviewed(cast)
    charge = charged(cast)
    job = ProcrastinateJob.objects.get(task_name="billing.tasks.tell_payer")
    assert job.args == {"charges": [charge.pk]}
    assert tell_payer(charges=[charge.pk]) == 2
    assert {one.to[0] for one in mail.outbox} == {cast.payer_office.email, cast.researcher.email}
    text = str(mail.outbox[0].body)
    assert charge.reference in text
    assert "2026-03-09" in text
    assert "These charges were made" in text
    assert "费用" in text


def test_nobody_is_told_of_what_is_approved_meanwhile_or_not_to_be_reviewed(cast: Cast) -> None:
    assert not ProcrastinateJob.objects.filter(task_name="billing.tasks.tell_payer").exists()
    charge = charged(cast)
    assert not ProcrastinateJob.objects.filter(task_name="billing.tasks.tell_payer").exists()
    Charge.objects.filter(pk=charge.pk).update(state="approved")
    assert tell_payer(charges=[charge.pk]) == 0


def test_only_the_billing_office_sets_the_days(cast: Cast) -> None:
    for user in (cast.manager, cast.payer_office, cast.stranger):
        with pytest.raises(NotAllowed):
            edit_settings(by=user, institution=cast.shanghai_lab, values={"review_days": 3})


@pytest.mark.parametrize("days", [0, 366])
def test_days_without_sense_are_refused_by_action_and_database(cast: Cast, days: int) -> None:
    with pytest.raises(Refused) as caught:
        reviewed(cast, days)
    assert caught.value.refusals[0].code == "review_days_out_of_range"
    with pytest.raises(IntegrityError, match="review_days"), transaction.atomic():
        BillingSettings.objects.create(institution=cast.shanghai_lab, review_days=days)


def test_the_history_says_who_changed_the_days(cast: Cast) -> None:
    row = reviewed(cast)
    reviewed(cast, 5)
    events = BillingSettings.pgh_event_model.objects.filter(pgh_obj=row)  # type: ignore[attr-defined]
    assert list(events.order_by("pgh_id").values_list("review_days", flat=True)) == [None, 7, 5]
    assert events.last().pgh_context.metadata["user"] == cast.billing_office.pk


def test_the_api_reads_and_changes_them_for_their_office_alone(cast: Cast) -> None:
    path = f"/api/v1/institutions/{cast.shanghai_lab.code}/billing-settings/"
    office = Api(cast.billing_office)
    assert office.get(path).json()["review_days"] is None
    assert office.patch(path, {"review_days": 10}).json()["review_days"] == 10
    assert office.patch(path, {}).json()["review_days"] == 10
    assert office.patch(path, {"review_days": 366}).status_code in (400, 422)
    for user in (cast.payer_office, cast.manager, cast.stranger):
        assert Api(user).get(path).status_code == 404
        assert Api(user).patch(path, {"review_days": 3}).status_code == 404


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Days for review"), ("zh-hans", "审核天数")]
)
def test_the_page_sets_the_days_in_both_languages(
    client: Client, cast: Cast, language: str, title: str
) -> None:
    client.force_login(cast.billing_office)
    headers = {"accept-language": language}
    assert title in client.get("/billing/settings/", headers=headers).content.decode()
    sent = {"review_days": 4, "payment_days": 30}
    assert client.post("/billing/settings/", sent).status_code == 302
    assert BillingSettings.objects.get(institution=cast.shanghai_lab).review_days == 4
    assert client.post("/billing/settings/", sent | {"review_days": 400}).status_code == 422
    client.force_login(cast.stranger)
    assert client.get("/billing/settings/").status_code == 403


def test_an_administrator_of_another_institution_sets_his_own(client: Client, cast: Cast) -> None:
    client.force_login(f.person(cast.suzhou_firm, Role.ADMINISTRATOR))
    address = f"/billing/settings/?institution={cast.shanghai_lab.code}"
    assert client.post(address, {"review_days": 4}).status_code == 403
    assert not BillingSettings.objects.filter(institution=cast.shanghai_lab).exists()
    assert Institution.objects.filter(billing_settings=None).count() == 2
