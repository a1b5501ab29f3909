"""The books as files: the trial balance, and what was posted."""

from datetime import datetime

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from billing import ledger_queries, queries
from billing.models import Posting
from billing.pages.downloads import csv_file, xlsx_file
from institutions.models import Institution

# What a file of postings has in its columns.
COLUMNS = [
    "entry",
    "at",
    "month",
    "kind",
    "account",
    "debit",
    "credit",
    "party",
    "region",
    "project",
    "document",
    "reference",
    "reverses",
]


def balance_file(institution: Institution, *, at: datetime, kind: str) -> HttpResponseBase:
    """The trial balance as of the instant `at`, as `csv` or `xlsx`: one row for each account and
    one for the totals, which are equal. CNY, in the reader's language."""
    balance = queries.trial_balance(institution, at=at)
    make = xlsx_file if kind == "xlsx" else csv_file
    header = [_("Account"), _("Name"), _("Debit"), _("Credit")]
    # Not row by row: the reader's language holds only until the answer is on its way.
    rows = [[one["code"], one["name"], one["debit"], one["credit"]] for one in balance["accounts"]]
    rows.append(["", _("Total"), balance["debit"], balance["credit"]])
    return make(f"trial-balance-{institution.code}", header, rows)


def postings_file(name: str, found: QuerySet[Posting], *, kind: str = "csv") -> HttpResponseBase:
    """A row for each side of an entry, as `csv` (streamed) or `xlsx`."""
    make = xlsx_file if kind == "xlsx" else csv_file
    return make(name, COLUMNS, ledger_queries.file_rows(found.iterator(chunk_size=2_000)))
