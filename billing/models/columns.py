"""Columns that look the same in every table of money, and what guards them."""

from decimal import Decimal
from typing import Any

from django.db import models

from bookings.models.written import only_with_its_parent as only_with_its_parent
from bookings.models.written import says_its_transaction as says_its_transaction
from bookings.models.written import written_in_column as written_in_column

# More than any column of money holds. PostgreSQL's NaN is greater than every number, so a check
# against this from above is what keeps it out; `>= 0` lets it pass.
TOO_MUCH = 10**12


def money_column(verbose: Any = None, **options: Any) -> models.DecimalField:
    """CNY with two places, up to a hundred billion."""
    options.setdefault("default", Decimal(0))
    return models.DecimalField(verbose, max_digits=14, decimal_places=2, **options)
