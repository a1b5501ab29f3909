"""The billing offices' past: charges looked through, statements issued month by month."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from billing.actions.approve_charge import approve_charge
from billing.actions.draft_statement import draft_statement
from billing.actions.issue_statement import issue_statement
from billing.models import Charge
from billing.states import ChargeState
from demo.people import OFFICES, People

ZONE = ZoneInfo("Asia/Shanghai")
# In the running month what is younger than this is still being looked through.
REVIEW = timedelta(days=7)


def close_months(people: People, *, at: datetime) -> int:
    """Approves the charges of past months and issues their statements on the fifth of the next;
    approves the older charges of the running month. Gives back how many statements there are."""
    today = at.astimezone(ZONE).date()
    issued = 0
    months = Charge.objects.order_by("period").values_list("period", flat=True).distinct()
    for month in list(months):
        for code, account in OFFICES.items():
            issued += _close(people, code, account, month, today, at)
    return issued


def _close(people: People, code: str, account: str, month: date, today: date, at: datetime) -> int:
    office, provider = people.users[account], people.institutions[code]
    following = (month + timedelta(days=32)).replace(day=1)
    is_over = following + timedelta(days=4) <= today
    issued_at = datetime.combine(following + timedelta(days=4), time(10), ZONE) if is_over else at
    charges = Charge.objects.filter(
        provider=provider, period=month, state=ChargeState.IN_REVIEW
    ).order_by("pk")
    if not is_over:
        charges = charges.filter(created_at__lt=at - REVIEW)
    payers = set()
    for charge in charges.select_related("payer"):
        approve_charge(by=office, charge=charge, at=issued_at)
        if not charge.is_internal:
            payers.add(charge.payer)
    if not is_over:
        return 0
    for payer in sorted(payers, key=lambda one: one.code):
        draft = draft_statement(
            by=office, provider=provider, payer=payer, month=month, at=issued_at
        )
        issue_statement(by=office, statement=draft, at=issued_at)
    return len(payers)
