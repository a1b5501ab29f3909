"""Words for what quotes and charges store as codes, and what a voucher did to a sum."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from billing import measures, wording
from institutions.templatetags.yitong import DEFAULT_ZONE, local
from instruments.models import Tariff

register = template.Library()

# What a billing office comes for: the month's work, money and papers, prices, and how it works.
PLACES: tuple[tuple[Promise, tuple[tuple[str, Promise], ...]], ...] = (
    (
        _("The month"),
        (
            ("billing", _("Overview")),
            ("charges", _("Charges")),
            ("billing_inbox", _("To mend")),
            ("statements", _("Statements")),
            ("internal_transfers", _("Internal transfers")),
        ),
    ),
    (
        _("Money"),
        (
            ("ageing", _("Open sums")),
            ("deposits", _("Deposits")),
            ("fapiao_requests", _("Fapiao")),
            ("vouchers", _("Vouchers")),
            ("claimable", _("To claim")),
            ("ledger", _("Ledger")),
        ),
    ),
    (
        _("Prices"),
        (
            ("tariffs", _("Prices")),
            ("contract_prices", _("Contracts")),
            ("hour_packages", _("Packages of hours")),
            ("consumables", _("Consumables")),
        ),
    ),
    (
        _("Set-up"),
        (
            ("billing_details", _("Bank and tax")),
            ("billing_projects", _("Projects")),
            ("billing_settings", pgettext_lazy("billing", "Settings")),
        ),
    ),
)
# What none but a provider has any use for.
_SELLING = frozenset(
    {"billing_inbox", "internal_transfers", "ageing", "ledger", "tariffs", "consumables"}
)
register.filter("line_word", wording.line)
register.filter("unit_word", wording.unit)
register.filter("number_of", measures.number_of)
register.filter("entry_word", wording.entry)
register.filter("borne_by", wording.projects)
register.filter("charge_event_word", wording.charge_event)
register.filter("charge_reason", wording.charge_reason)
register.filter("voucher_limit", wording.voucher_limit)


@register.simple_tag
def billing_places(sells: bool) -> list[tuple[Promise, list[tuple[str, Promise]]]]:
    """The groups of the billing office's pages, each with (address, words); an office of payers
    alone has no books to keep and no prices to set."""
    return [
        (
            group,
            [(reverse(name), label) for name, label in pages if sells or name not in _SELLING],
        )
        for group, pages in PLACES
    ]


@register.filter
def deducted(sum_: Any) -> Decimal:
    """What vouchers took off at once, in CNY: gross − net, of one charge or of many together."""
    return _amount(sum_, "gross") - _amount(sum_, "net")


@register.filter
def claim_back(sum_: Any) -> Decimal:
    """What the payer gets back later, in CNY: the voucher money that lowered nothing."""
    return _amount(sum_, "voucher") - deducted(sum_)


@register.filter
def said(value: Any) -> str:
    """A setting's value in a history: yes or no, a list with commas, a dash for nothing."""
    if isinstance(value, bool):
        return gettext("Yes") if value else pgettext("answer", "No")
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "–" if value in (None, "") else str(value)


@register.filter
def side(balance: Decimal) -> str:
    """Which side of an account a balance stands on; none for nothing."""
    if not balance:
        return ""
    return gettext("Debit") if balance > 0 else gettext("Credit")


@register.filter
def negated(amount: Decimal) -> Decimal:
    """The other side's sign."""
    return -amount


@register.filter
def isoday(value: date | str) -> str:
    """`2026-06-30`, of a day or of a frozen quote's text."""
    return value if isinstance(value, str) else value.isoformat()


@register.filter
def isomoment(value: datetime, zone: Any = DEFAULT_ZONE) -> str:
    """`2026-06-30 10:00`, where `zone` is: in books a date has its year and sorts."""
    return f"{local(value, zone):%Y-%m-%d %H:%M}"


def _amount(sum_: Any, name: str) -> Decimal:
    """Of an object, of a row, or of a frozen document, which keeps its amounts as text."""
    return Decimal(sum_[name] if isinstance(sum_, dict) else getattr(sum_, name))


@register.filter
def last_day(valid: Any) -> date:
    """The last day of a half-open range of days."""
    return valid.upper - timedelta(days=1)


@register.filter
def term_word(name: str) -> str:
    """What a column of a price is called."""
    field = Tariff._meta.get_field(name.removesuffix("_id"))
    return str(getattr(field, "verbose_name", name))
