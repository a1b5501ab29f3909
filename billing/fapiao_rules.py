"""What the invoicing system would send back. Pure."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc

from billing.models import FapiaoKind, FapiaoRequest
from kernel.refusals import Refusal

# Fully digital ones have twenty digits and no code; older ones eight, and a code of ten or twelve.
_DIGITAL = re.compile(r"\d{20}")
_OLDER = re.compile(r"\d{8}")
_CODE = re.compile(r"\d{10}|\d{12}")


def request_refusals(wanted: FapiaoRequest) -> Iterator[Refusal]:
    """Every reason why this cannot be asked for."""
    number = wanted.buyer_tax_number
    if not wanted.buyer_name:
        yield Refusal("no_buyer", _("A fapiao names its buyer."))
    if number and not uscc.is_valid(number):
        yield Refusal(
            "tax_number_invalid",
            _("%(number)s is no valid tax number: eighteen characters, the last one checks."),
            {"number": number},
        )
    if wanted.kind == FapiaoKind.SPECIAL:
        if not number:
            yield Refusal("tax_number_missing", _("A special fapiao needs the buyer's tax number."))
        if not wanted.tax:
            yield Refusal(
                "special_without_vat",
                _("Where no VAT is contained, the fapiao is an ordinary one."),
            )
    if wanted.gross <= Decimal(0):
        yield Refusal("nothing_left", _("Everything on this statement is credited, or it is ¥0."))


def record_refusals(*, number: str, code: str, issued_on: date, today: date) -> Iterator[Refusal]:
    """Every reason why this cannot be the fapiao's number. `today` is the seller's."""
    digital, older = _DIGITAL.fullmatch(number), _OLDER.fullmatch(number)
    if not (digital and not code) and not (older and _CODE.fullmatch(code)):
        yield Refusal(
            "fapiao_number_invalid",
            _("A number has twenty digits and no code, or eight and a code of ten or twelve."),
        )
    if issued_on > today:
        yield Refusal("issued_in_future", _("This day is not here yet."))
