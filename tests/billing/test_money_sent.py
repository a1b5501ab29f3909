"""Statements at once, mails, reminders, write-offs and ageing."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.actions.contract_price import decide_contract_price, propose_contract_price
from billing.actions.credit_charge import credit_charge
from billing.actions.dispatch import MOST_ATTEMPTS, deliver, send_again
from billing.actions.draft_statement import draft_for_booking, draft_for_contract
from billing.actions.edit_settings import edit_settings
from billing.actions.issue_statement import issue_statement
from billing.actions.remind import remind_payers
from billing.actions.write_off import confirm_write_off, decline_write_off, propose_write_off
from billing.models import BillingSettings, Dispatch, LedgerEntry, Reminder, Statement, WriteOff
from billing.statement_queries import ageing, open_of
from billing.tasks import deliver_mail
from institutions.models import Membership, Role, User
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing.test_credit_notes import codes
from tests.billing.test_statements import APRIL_FIRST, approved, drafted, issued, postings
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DUE = APRIL_FIRST + 30 * DAY


def second(cast: Cast) -> User:
    return f.person(cast.shanghai_lab, Role.BILLING_OFFICER)


# --- at once -----------------------------------------------------------------------------------


def parties(cast: Cast, **fields: Any) -> dict[str, Any]:
    return {
        "by": cast.billing_office,
        "provider": cast.shanghai_lab,
        "payer": cast.suzhou_firm,
        "at": APRIL_FIRST,
    } | fields


def test_one_booking_has_a_statement_of_its_own_at_once(cast: Cast) -> None:
    charge = approved(cast)
    other = approved(cast, start=b.NINE + DAY)
    draft = draft_for_booking(**parties(cast), booking=charge.booking.reference)
    assert (draft.kind, draft.scope, draft.period) == (
        "booking",
        charge.booking.reference,
        date(2026, 3, 1),
    )
    assert [line.charge for line in draft.lines.all()] == [charge]
    # The month's own draft takes the rest beside it.
    assert [line.charge for line in drafted(cast).lines.all()] == [other]
    assert codes(lambda: draft_for_booking(**parties(cast), booking=charge.booking.reference)) == [
        "draft_exists"
    ]


def test_anothers_booking_has_nothing_to_invoice(cast: Cast) -> None:
    charge = approved(cast)
    elsewhere = f.InstitutionFactory()
    reference = charge.booking.reference
    assert codes(
        lambda: draft_for_booking(**parties(cast, payer=elsewhere), booking=reference)
    ) == ["nothing_to_invoice"]
    with pytest.raises(NotAllowed):
        draft_for_booking(**parties(cast, by=cast.payer_office), booking=reference)
    assert not Statement.objects.exists()


def test_a_contract_has_a_statement_of_all_that_it_priced(cast: Cast) -> None:
    price = propose_contract_price(
        by=second(cast),
        instrument=cast.instrument,
        payer=cast.suzhou_firm,
        contract_number="C-7",
        unit="hour",
        unit_price=Decimal(700),
        valid_from=f.MONDAY.date(),
        valid_until=f.MONDAY.date() + 60 * DAY,
        at=f.MONDAY,
    )
    decide_contract_price(by=cast.billing_office, price=price, approve=True, at=f.MONDAY)
    under = approved(cast)
    elsewhere = f.InstrumentFactory(institution=cast.shanghai_lab)
    approved(cast, start=b.NINE + DAY, instrument=elsewhere)
    draft = draft_for_contract(**parties(cast), contract="C-7")
    assert (draft.gross, draft.kind, draft.scope) == (1_400, "contract", "C-7")
    assert [line.charge for line in draft.lines.all()] == [under]
    assert codes(lambda: draft_for_contract(**parties(cast), contract="C-8")) == [
        "nothing_to_invoice"
    ]


def test_a_monthly_statement_has_no_scope(cast: Cast) -> None:
    approved(cast)
    draft = drafted(cast)
    for change in ({"scope": "X"}, {"kind": "booking"}):
        with pytest.raises(IntegrityError, match="statement_kind_has_scope"), transaction.atomic():
            Statement.objects.filter(pk=draft.pk).update(**change)


# --- mails -------------------------------------------------------------------------------------


def test_issuing_queues_a_mail_for_each_officer_of_the_payer(cast: Cast) -> None:
    approved(cast)
    statement = issued(cast)
    [dispatch] = statement.dispatches.all()
    assert (dispatch.kind, dispatch.recipient, dispatch.state) == (
        "statement",
        cast.payer_office,
        "queued",
    )
    [job] = ProcrastinateJob.objects.filter(task_name="billing.tasks.deliver_mail")
    assert job.args == {"dispatch_id": dispatch.pk}
    assert statement.due_on == date(2026, 5, 1)
    assert mail.outbox == []


def test_the_worker_sends_it_once_in_both_languages_with_the_document(cast: Cast) -> None:
    approved(cast)
    [dispatch] = issued(cast).dispatches.all()
    deliver_mail(dispatch_id=dispatch.pk)
    deliver_mail(dispatch_id=dispatch.pk)
    [sent] = mail.outbox
    assert sent.to == [cast.payer_office.email]
    assert "Statement LAB-SH-2026-000001 of Institution LAB-SH" in sent.subject
    assert "对账单" in sent.subject
    assert "¥2,000" in sent.body
    assert "2026-05-01" in sent.body
    [(name, content, kind)] = sent.attachments
    assert (name, kind) == ("LAB-SH-2026-000001.pdf", "application/pdf")
    assert content.startswith(b"%PDF-")
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.attempts) == ("sent", 1)


def test_who_has_chosen_a_language_is_written_to_in_it(cast: Cast) -> None:
    cast.payer_office.language = "zh-hans"
    cast.payer_office.save()
    approved(cast)
    [dispatch] = issued(cast).dispatches.all()
    deliver(dispatch_id=dispatch.pk, at=APRIL_FIRST)
    assert "Statement" not in mail.outbox[0].subject


def test_a_server_that_takes_nothing_is_tried_again_and_then_given_up(
    cast: Cast, settings: Any
) -> None:
    approved(cast)
    [dispatch] = issued(cast).dispatches.all()
    settings.EMAIL_BACKEND = "tests.billing.test_money_sent.Deaf"
    states = [deliver(dispatch_id=dispatch.pk, at=APRIL_FIRST).state for _ in range(MOST_ATTEMPTS)]
    assert states == ["queued"] * (MOST_ATTEMPTS - 1) + ["failed"]
    # Tried again at growing distances.
    assert ProcrastinateJob.objects.filter(scheduled_at__isnull=False).count() == MOST_ATTEMPTS - 1


class Deaf(EmailBackend):
    """A mail server that is not there."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError


@pytest.mark.parametrize("side", ["provider", "payer"])
def test_mails_can_be_switched_off_on_either_side(cast: Cast, side: str) -> None:
    office, institution, name = {
        "provider": (cast.billing_office, cast.shanghai_lab, "mails_payers"),
        "payer": (cast.payer_office, cast.suzhou_firm, "wants_mail"),
    }[side]
    edit_settings(by=office, institution=institution, values={name: False})
    approved(cast)
    statement = issued(cast)
    assert not statement.dispatches.exists()
    # And whoever mails it again is told why.
    refusal = {"provider": "mails_switched_off", "payer": "payer_wants_no_mail"}[side]
    again = {"by": cast.billing_office, "statement": statement, "at": APRIL_FIRST}
    assert codes(lambda: send_again(**again)) == [refusal]
    assert not statement.dispatches.exists()


def test_a_payer_without_any_office_cannot_be_mailed_again(cast: Cast) -> None:
    approved(cast)
    statement = issued(cast)
    Membership.objects.filter(institution=cast.suzhou_firm).delete()
    again = {"by": cast.billing_office, "statement": statement, "at": APRIL_FIRST}
    assert codes(lambda: send_again(**again)) == ["nobody_to_mail"]


def test_a_credit_note_is_mailed_too_and_a_statement_again_at_will(cast: Cast) -> None:
    charge = approved(cast)
    statement = issued(cast)
    credit_charge(
        by=cast.billing_office,
        statement=statement,
        charge=charge.reference,
        reason="Off",
        at=APRIL_FIRST,
    )
    send_again(by=cast.billing_office, statement=statement, at=APRIL_FIRST)
    with pytest.raises(NotAllowed):
        send_again(by=cast.payer_office, statement=statement, at=APRIL_FIRST)
    for dispatch in Dispatch.objects.all():
        deliver(dispatch_id=dispatch.pk, at=APRIL_FIRST)
    kinds = Dispatch.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["statement", "credit_note", "statement"]
    assert [message.attachments[0][0] for message in mail.outbox] == [
        "LAB-SH-2026-000001.pdf",
        "LAB-SH-2026-C000001.pdf",
        "LAB-SH-2026-000001.pdf",
    ]


# --- settings ----------------------------------------------------------------------------------


def test_settings_are_the_offices_and_their_history_names_who(cast: Cast) -> None:
    values = {"payment_days": 14, "reminder_days": [3, 10]}
    saved = edit_settings(by=cast.billing_office, institution=cast.shanghai_lab, values=values)
    assert (saved.payment_days, saved.reminder_days) == (14, [3, 10])
    approved(cast)
    assert issued(cast).due_on == date(2026, 4, 15)
    events = BillingSettings.pgh_event_model.objects  # type: ignore[attr-defined]
    assert events.last().pgh_context.metadata == {"user": cast.billing_office.pk}
    with pytest.raises(NotAllowed):
        edit_settings(by=cast.manager, institution=cast.shanghai_lab, values=values)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"payment_days": 366}, "days_out_of_range"),
        ({"reminder_days": [7, 7]}, "reminders_out_of_order"),
        ({"reminder_days": [1, 2, 3, 4, 5, 6]}, "reminders_out_of_order"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    cast: Cast, values: dict[str, Any], code: str
) -> None:
    office, lab = cast.billing_office, cast.shanghai_lab
    assert codes(lambda: edit_settings(by=office, institution=lab, values=values)) == [code]


# --- reminders ---------------------------------------------------------------------------------


def levels() -> list[int]:
    return list(Reminder.objects.order_by("pk").values_list("level", flat=True))


def test_each_level_is_reminded_of_once(cast: Cast) -> None:
    approved(cast)
    issued(cast)
    for days, expected in ((6, []), (7, [1]), (8, [1]), (21, [1, 2]), (50, [1, 2, 3])):
        remind_payers(at=DUE + days * DAY)
        assert levels() == expected, days
    remind_payers(at=DUE + 300 * DAY)
    assert levels() == [1, 2, 3]
    assert Dispatch.objects.filter(kind="reminder").count() == 3
    deliver(dispatch_id=Dispatch.objects.get(reminder__level=2).pk, at=DUE)
    assert "Reminder 2: statement LAB-SH-2026-000001" in mail.outbox[0].subject


def test_who_was_missed_for_two_levels_is_told_the_later_alone(cast: Cast) -> None:
    approved(cast)
    issued(cast)
    remind_payers(at=DUE + 30 * DAY)
    assert levels() == [2]


def test_who_owes_nothing_is_not_reminded(cast: Cast) -> None:
    charge = approved(cast)
    statement = issued(cast)
    credit_charge(
        by=cast.billing_office,
        statement=statement,
        charge=charge.reference,
        reason="Off",
        at=APRIL_FIRST,
    )
    f.reprice(cast.instrument.tariffs, unit_price=0)
    approved(cast, start=b.NINE + DAY)
    issued(cast)
    assert remind_payers(at=DUE + 30 * DAY) == []


# --- writing off -------------------------------------------------------------------------------


def proposed(cast: Cast) -> WriteOff:
    approved(cast)
    return propose_write_off(
        by=cast.billing_office, statement=issued(cast), reason="Bankrupt", at=APRIL_FIRST
    )


def test_writing_off_needs_two_people(cast: Cast) -> None:
    write_off = proposed(cast)
    assert codes(
        lambda: confirm_write_off(by=cast.billing_office, write_off=write_off, at=APRIL_FIRST)
    ) == ["same_person"]
    for person in (cast.payer_office, cast.manager, cast.stranger):
        with pytest.raises(NotAllowed):
            confirm_write_off(by=person, write_off=write_off, at=APRIL_FIRST)
    done = confirm_write_off(by=second(cast), write_off=write_off, at=APRIL_FIRST)
    assert (done.state, done.amount, done.statement.state) == ("confirmed", 2_000, "issued")
    statement = Statement.objects.get()
    assert statement.state == "written_off"
    assert open_of(statement) == 0
    assert postings(LedgerEntry.objects.get(write_off=done)) == [
        ("6701", 2_000),
        ("1122.01", -2_000),
    ]
    with pytest.raises(WrongState):
        confirm_write_off(by=second(cast), write_off=write_off, at=APRIL_FIRST)


def test_the_database_wants_two_people_as_well(cast: Cast) -> None:
    proposed(cast)
    with pytest.raises(IntegrityError, match="write_off_by_two"), transaction.atomic():
        WriteOff.objects.update(
            state="confirmed", decided_by=cast.billing_office, decided_at=APRIL_FIRST
        )


def test_one_write_off_stands_and_a_declined_one_makes_room(cast: Cast) -> None:
    write_off = proposed(cast)
    again = {
        "by": cast.billing_office,
        "statement": write_off.statement,
        "reason": "Still",
        "at": APRIL_FIRST,
    }
    assert codes(lambda: propose_write_off(**again)) == ["already_proposed"]
    decline_write_off(by=cast.billing_office, write_off=write_off, at=APRIL_FIRST)
    assert propose_write_off(**again).state == "proposed"


def test_what_was_credited_since_is_not_written_off(cast: Cast) -> None:
    other = approved(cast, start=b.NINE + DAY)
    write_off = proposed(cast)
    credit_charge(
        by=cast.billing_office,
        statement=write_off.statement,
        charge=other.reference,
        reason="Off",
        at=APRIL_FIRST,
    )
    by = second(cast)
    assert codes(lambda: confirm_write_off(by=by, write_off=write_off, at=APRIL_FIRST)) == [
        "open_changed"
    ]


def test_where_nothing_is_open_nothing_is_written_off(cast: Cast) -> None:
    f.reprice(cast.instrument.tariffs, unit_price=0)
    approved(cast)
    statement = issued(cast)
    with pytest.raises(Refused):
        propose_write_off(by=cast.billing_office, statement=statement, reason="No", at=APRIL_FIRST)


# --- ageing ------------------------------------------------------------------------------------


def test_what_is_open_is_told_by_payer_and_age_and_adds_up_to_the_account(cast: Cast) -> None:
    other = f.InstitutionFactory(code="FIRM-2", kind="enterprise", region=f.region("320571"))
    theirs = f.project(other, cast.principal)
    for days, fields in ((0, {}), (40, {}), (95, {"project": theirs})):
        charge = approved(cast, start=b.NINE + days * DAY, **fields)
        draft = draft_for_booking(
            **parties(cast, payer=charge.payer), booking=charge.booking.reference
        )
        issue_statement(by=cast.billing_office, statement=draft, at=APRIL_FIRST + days * DAY)
    at = APRIL_FIRST + 95 * DAY
    found = ageing(cast.shanghai_lab, at=at)
    assert [(aged.payer.code, aged.ages) for aged in found] == [
        ("FIRM-SZ", [0, 2_000, 0, 2_000]),
        ("FIRM-2", [2_000, 0, 0, 0]),
    ]
    assert sum(aged.total for aged in found) == 6_000
    assert [one.days for one in found[0].open] == [95, 55]
    # As of an earlier day, what came later is not there.
    assert [aged.total for aged in ageing(cast.shanghai_lab, at=APRIL_FIRST)] == [2_000]
    assert ageing(cast.suzhou_firm, at=at) == []
