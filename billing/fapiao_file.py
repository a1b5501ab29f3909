"""The file that the invoicing system reads."""

from collections.abc import Iterator
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from billing.models import FapiaoExport, FapiaoRequest
from billing.pages.downloads import csv_file, xlsx_file
from kernel.money import as_text


def fapiao_file(export: FapiaoExport, *, kind: str) -> HttpResponseBase:
    """One line for each request, as `csv` or `xlsx`, in the reader's language; the sums of red
    letters are negative."""
    make = xlsx_file if kind == "xlsx" else csv_file
    return make(export.reference, _header(), _rows(export))


def _header() -> list[str]:
    return [
        _("Request"),
        _("Kind of fapiao"),
        _("Original fapiao"),
        _("Seller"),
        _("Seller's tax number"),
        _("Kind of buyer"),
        _("Buyer"),
        _("Buyer's tax number"),
        _("Address"),
        _("Telephone"),
        _("Bank"),
        _("Bank account"),
        _("Gross"),
        _("Without VAT"),
        _("VAT"),
        _("Drawer"),
        _("Remarks"),
        _("Statement"),
    ]


def _rows(export: FapiaoExport) -> Iterator[list[Any]]:
    found = export.requests.order_by("pk").select_related("statement", "original")
    for one in found.iterator(chunk_size=500):
        yield _row(one)


def _row(one: FapiaoRequest) -> list[Any]:
    sign = -1 if one.is_red else 1
    return [
        one.reference,
        one.get_kind_display(),
        f"{one.original.code} {one.original.number}".strip() if one.original else "",
        one.seller_name,
        one.seller_tax_number,
        one.get_buyer_kind_display(),
        one.buyer_name,
        one.buyer_tax_number,
        one.address,
        one.phone,
        one.bank_name,
        one.bank_account,
        *(as_text(sign * amount) for amount in (one.gross, one.net, one.tax)),
        one.drawer,
        one.remarks,
        one.statement.number,
    ]
