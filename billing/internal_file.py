"""The file that an institution's finance system reads."""

from django.http.response import HttpResponseBase

from billing import transfers
from billing.models import InternalExport
from billing.pages.downloads import csv_file, xlsx_file


def internal_file(export: InternalExport, *, kind: str) -> HttpResponseBase:
    """An export, as it was, as `csv` or `xlsx`, in the reader's language."""
    make = xlsx_file if kind == "xlsx" else csv_file
    name = f"internal-{export.institution.code}-{export.number:04}"
    return make(name, transfers.header(), transfers.rows(export))
