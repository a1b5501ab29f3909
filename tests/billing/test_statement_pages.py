"""The pages of credit notes, write-offs, fapiao, open sums and settings."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.actions.edit_settings import edit_settings
from billing.models import BillingSettings, CreditNote, FapiaoRequest, Statement, WriteOff
from billing.statement_queries import what_became
from institutions.models import Role
from tests import factories as f
from tests.billing import deposits
from tests.billing import factories as b
from tests.billing.test_fapiao import NUMBER, TAX_NUMBER, requested
from tests.billing.test_pages import read, send
from tests.billing.test_statements import APRIL_FIRST, approved, issued
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture(autouse=True)
def april() -> object:
    with time_machine.travel(APRIL_FIRST, tick=False) as moment:
        yield moment


@pytest.fixture
def statement(cast: Cast) -> Statement:
    terms = b.terms()
    b.pool(terms)
    b.allotment(terms, cast.suzhou_firm)
    approved(cast, programme="HU-SU")
    approved(cast, start=b.NINE + timedelta(days=1), hours=1)
    return issued(cast)


def page(statement: Statement, rest: str = "") -> str:
    return f"/billing/statements/{statement.reference}/{rest}"


def test_a_charge_is_credited_on_its_statements_page(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.billing_office)
    charge = statement.lines.all()[0].charge
    path = page(statement, f"credit/{charge.reference}/")
    assert path in read(client, page(statement))
    assert f"冲减费用 {charge.reference}" in read(client, path)
    send(client, path, status=422, reason="")
    send(client, path, reason="探测器未开", recharge="")
    shown = read(client, page(statement))
    assert "LAB-SH-2026-C000001" in shown
    assert "探测器未开" in shown
    # What is left open of 2,000: the charge without a voucher.
    assert "¥1,000.00" in shown
    # A second time there is nothing to credit.
    assert path not in shown
    send(client, path, status=422, reason="again")


def test_the_payers_office_reads_and_cannot_credit(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.payer_office)
    charge = statement.lines.all()[0].charge
    shown = read(client, page(statement))
    assert "credit/" not in shown
    assert "核销" not in shown
    assert "您的角色" in send(
        client, page(statement, f"credit/{charge.reference}/"), status=422, reason="No"
    )
    assert not CreditNote.objects.exists()
    client.force_login(cast.stranger)
    read(client, page(statement, f"credit/{charge.reference}/"), status=404)


def test_two_people_write_off(client: Client, cast: Cast, statement: Statement) -> None:
    client.force_login(cast.billing_office)
    assert "提出核销" in read(client, page(statement, "write-off/"))
    send(client, page(statement, "write-off/"), reason="破产")
    one = WriteOff.objects.get()
    shown = read(client, page(statement))
    assert 'value="confirm"' not in shown
    send(client, f"/billing/write-offs/{one.reference}/", decision="confirm")
    assert "须由提出人以外的人确认" in read(client, page(statement))
    client.force_login(f.person(cast.shanghai_lab, Role.BILLING_OFFICER))
    assert 'value="confirm"' in read(client, page(statement))
    send(client, f"/billing/write-offs/{one.reference}/", decision="confirm")
    shown = read(client, page(statement))
    assert "已核销" in shown
    assert "¥0.00" in shown


def test_the_payer_asks_for_a_fapiao_and_the_seller_exports_and_records_it(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.payer_office)
    form = {"kind": "special", "buyer_kind": "enterprise", "buyer_name": "某公司"}
    assert "机构 FIRM-SZ" in read(client, page(statement, "fapiao/"))
    assert "专用发票须填写购买方税号" in send(
        client, page(statement, "fapiao/"), status=422, **form
    )
    send(client, page(statement, "fapiao/"), **form, buyer_tax_number=TAX_NUMBER)
    one = FapiaoRequest.objects.get()
    assert one.gross == 3_000
    assert page(statement, "fapiao/") not in read(client, page(statement))
    read(client, f"/billing/fapiao/{one.reference}/")

    client.force_login(cast.billing_office)
    assert "1 份申请待导出" in read(client, "/billing/fapiao/", state="requested")
    send(client, "/billing/fapiao/export/")
    shown = read(client, "/billing/fapiao/")
    assert "0 份申请待导出" in shown
    path = f"/billing/fapiao/{one.reference}/"
    assert "发票号码应为二十位" in send(
        client, path, status=422, number="1", issued_on="2026-04-01"
    )
    send(client, path, number=NUMBER, issued_on="2026-04-01")
    assert NUMBER in read(client, path)
    assert NUMBER in read(client, page(statement))
    client.force_login(cast.stranger)
    read(client, path, status=404)
    read(client, "/billing/fapiao/", status=403)


def test_a_request_is_withdrawn_on_its_page(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.payer_office)
    form = {"kind": "ordinary", "buyer_kind": "other", "buyer_name": "某所"}
    send(client, page(statement, "fapiao/"), **form)
    one = FapiaoRequest.objects.get()
    send(client, f"/billing/fapiao/{one.reference}/withdraw/")
    one.refresh_from_db()
    assert one.state == "withdrawn"


def test_what_is_open_is_told_by_payer_and_can_be_downloaded(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.billing_office)
    shown = read(client, "/billing/ageing/")
    assert "机构 FIRM-SZ" in shown
    assert "¥2,000.00" in shown
    assert str(statement.number) in shown
    file = client.get("/billing/ageing/", {"format": "csv"})
    text = b"".join(file).decode()  # type: ignore[call-overload]
    assert f"FIRM-SZ,{statement.number},2026-04-01,0,2000.00" in text
    client.force_login(cast.payer_office)
    assert "没有欠款" in read(client, "/billing/ageing/")
    assert "Nobody owes" in client.get("/billing/ageing/", headers=ENGLISH).content.decode()


def test_one_booking_is_drafted_at_once_on_the_list(client: Client, cast: Cast) -> None:
    charge = approved(cast)
    client.force_login(cast.billing_office)
    parties = {"provider": "LAB-SH", "payer": "FIRM-SZ"}
    send(client, "/billing/statements/", **parties, booking=charge.booking.reference)
    draft = Statement.objects.get()
    shown = read(client, page(draft))
    assert f'单次预约 <span class="num">{draft.scope}</span>' in shown
    send(client, "/billing/statements/", status=400, **parties)


def test_the_office_changes_its_settings(client: Client, cast: Cast) -> None:
    client.force_login(cast.billing_office)
    assert "付款期限（天）" in read(client, "/billing/settings/")
    send(client, "/billing/settings/", payment_days=14, reminder_days="3, 10", wants_mail="on")
    found = BillingSettings.objects.get()
    assert (found.payment_days, found.reminder_days, found.mails_payers, found.wants_mail) == (
        14,
        [3, 10],
        False,
        True,
    )
    shown = send(client, "/billing/settings/", status=422, payment_days=14, reminder_days="9, 3")
    assert "最多五次催款" in shown
    assert cast.billing_office.full_name in read(client, "/billing/settings/")
    client.force_login(cast.researcher)
    read(client, "/billing/settings/", status=403)


@pytest.mark.parametrize(
    ("language", "lowered", "left"),
    [
        ("zh-hans", "贷项单 LAB-SH-2026-C000001 冲减了", "因贷项单 LAB-SH-2026-C000001 调减"),
        ("en", "Credit note LAB-SH-2026-C000001 took back", "Lowered by credit note LAB-SH-2026-"),
    ],
)
def test_a_credit_lowers_a_request_and_both_pages_say_so(
    client: Client, cast: Cast, statement: Statement, language: str, lowered: str, left: str
) -> None:
    charge = statement.lines.all()[0].charge
    fapiao = requested(cast, statement)
    client.force_login(cast.billing_office)
    send(client, page(statement, f"credit/{charge.reference}/"), reason="x", recharge="")
    client.force_login(cast.payer_office)
    other = FapiaoRequest.objects.get(replaces=fapiao)
    for one, word, link in ((fapiao, lowered, other), (other, left, fapiao)):
        path = f"/billing/fapiao/{one.reference}/"
        shown = client.get(path, headers={"accept-language": language}).content.decode()
        assert word in shown
        assert f"/billing/fapiao/{link.reference}/" in shown


def test_a_statements_page_says_the_rate_of_vat_and_what_was_credited(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.payer_office)
    shown = read(client, page(statement))
    assert "已冲减" not in shown
    assert "6 %" in shown
    assert "1,886.79" in shown or "2,830.19" in shown
    charge = statement.lines.all()[0].charge
    client.force_login(cast.billing_office)
    send(client, page(statement, f"credit/{charge.reference}/"), reason="x", recharge="")
    assert "已冲减" in read(client, page(statement))


def test_what_a_deposit_paid_is_said_on_the_statements_page(client: Client, cast: Cast) -> None:
    deposits.paid(cast)
    approved(cast)
    statement = issued(cast)
    became = what_became(statement)
    assert became == {"credited": 0, "drawn": 2_000, "written_off": 0, "open": 0}
    move = statement.deposit_moves.get()
    for user in (cast.billing_office, cast.payer_office):
        client.force_login(user)
        shown = read(client, page(statement))
        assert "已用预付款支付" in shown
        assert "已无未结金额" in shown
        assert move.reference in shown
    english = client.get(page(statement), headers=ENGLISH).content.decode()
    assert "Nothing is open" in english
    assert "paid from the deposit" in english


def test_a_statement_is_mailed_again(client: Client, cast: Cast, statement: Statement) -> None:
    client.force_login(cast.billing_office)
    assert cast.payer_office.full_name in read(client, page(statement))
    send(client, page(statement, "send/"))
    assert statement.dispatches.count() == 2
    client.force_login(cast.payer_office)
    send(client, page(statement, "send/"))
    assert statement.dispatches.count() == 2


def test_who_may_not_be_mailed_is_said_in_place_of_the_button(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.billing_office)
    assert page(statement, "send/") in read(client, page(statement))
    office, firm = cast.payer_office, cast.suzhou_firm
    edit_settings(by=office, institution=firm, values={"wants_mail": False})
    shown = read(client, page(statement))
    assert page(statement, "send/") not in shown
    assert "机构 FIRM-SZ 不接收结算单邮件" in shown
    send(client, page(statement, "send/"))
    assert statement.dispatches.count() == 1


def test_the_pages_are_there_in_english(client: Client, cast: Cast, statement: Statement) -> None:
    client.force_login(cast.billing_office)
    for path, word in (
        (page(statement), "still open"),
        ("/billing/fapiao/", "To the invoicing system"),
        ("/billing/settings/", "How the office works"),
    ):
        assert word in client.get(path, headers=ENGLISH).content.decode()


def test_a_statements_page_asks_as_much_whatever_happened_to_it(
    client: Client, cast: Cast, statement: Statement
) -> None:
    client.force_login(cast.billing_office)
    charges = [line.charge for line in statement.lines.all()]
    counts = []
    for charge in charges:
        with CaptureQueriesContext(connection) as found:
            read(client, page(statement))
        counts.append(len(found))
        send(client, page(statement, f"credit/{charge.reference}/"), reason="x", recharge="")
    assert counts[0] == counts[1]
