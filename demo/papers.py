"""What became of the oldest statements: a credit note, fapiao on their way, a reminder, a write-off
that waits for a second person.

Nothing of a demo account's vouchers is touched, and nobody is mailed: the addresses are invented.
"""

from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from billing.actions.credit_charge import credit_charge
from billing.actions.edit_settings import edit_settings
from billing.actions.export_fapiao import export_fapiao, record_fapiao
from billing.actions.export_transfers import export_transfers
from billing.actions.remind import remind_payers
from billing.actions.request_fapiao import request_fapiao
from billing.actions.write_off import propose_write_off
from billing.models import FapiaoRequest, Statement, StatementLine
from billing.states import StatementState
from demo.people import OFFICES, People
from institutions.models import User

DAY = timedelta(days=1)
NUMBER = "2632200000000000000{}"


def switch_mails_off(people: People) -> None:
    """Comes before the first statement."""
    for code, account in OFFICES.items():
        edit_settings(
            by=people.users[account],
            institution=people.institutions[code],
            values={"mails_payers": False},
        )


def papers(people: People, *, at: datetime) -> None:
    """Comes after the months are closed."""
    first, second, third = _oldest()
    _fapiao_and_credit(first, _office(people, first), at=at)
    request_fapiao(
        by=_office(people, second), statement=second, values={"kind": "ordinary"}, at=at - DAY
    )
    propose_write_off(
        by=_office(people, third), statement=third, reason="付款单位已注销", at=at - 2 * DAY
    )
    remind_payers(at=at)
    _inside(people, at=at)


def _inside(people: People, *, at: datetime) -> None:
    """What Fudan's own projects owe has gone to its finance system; at Nano-X payers have ten days
    to look at a charge from now on."""
    cashier, fudan = people.users["cashier.fudan"], people.institutions["FDU"]
    export_transfers(by=cashier, institution=fudan, at=at)
    edit_settings(
        by=people.users[OFFICES["NANOX"]],
        institution=people.institutions["NANOX"],
        values={"review_days": 10},
    )


def _oldest() -> list[Statement]:
    """Three of them, those of payers without a demo account before the others; the first has
    several charges that no voucher paid."""
    found = Statement.objects.filter(state=StatementState.ISSUED, net__gt=0)
    rows = sorted(
        found.select_related("provider", "payer").order_by("issued_at", "pk"),
        key=lambda one: (one.payer.code.startswith("DEMO-"), one.issued_at, one.pk),
    )
    several = next(one for one in rows if _plain_charges(one).count() > 1)
    return [several, *(one for one in rows if one != several)][:3]


def _plain_charges(statement: Statement) -> QuerySet[StatementLine]:
    return statement.lines.filter(charge__redemption=None, charge__gross__gt=0)


def _fapiao_and_credit(statement: Statement, office: User, *, at: datetime) -> None:
    """The fapiao is issued; then a charge turns out wrong, and a red letter goes out."""
    asked = request_fapiao(
        by=office, statement=statement, values={"kind": "ordinary"}, at=at - 6 * DAY
    )
    _issued(asked, office, number=1, at=at - 5 * DAY)
    charge = _plain_charges(statement).order_by("charge__gross", "pk")[0].charge
    credit_charge(
        by=office,
        statement=statement,
        charge=charge.reference,
        reason="探测器故障，数据无法使用",
        at=at - 3 * DAY,
    )
    _issued(asked.red_letters.get(), office, number=2, at=at - 2 * DAY)


def _issued(fapiao: FapiaoRequest, office: User, *, number: int, at: datetime) -> None:
    provider = fapiao.statement.provider
    export_fapiao(by=office, provider=provider, at=at)
    on: date = at.date() - DAY
    record_fapiao(by=office, fapiao=fapiao, number=NUMBER.format(number), issued_on=on, at=at)


def _office(people: People, statement: Statement) -> User:
    return people.users[OFFICES[statement.provider.code]]
