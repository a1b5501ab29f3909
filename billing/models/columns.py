"""Amounts of money look the same in every table."""

from decimal import Decimal
from typing import Any

from django.db import models


def money_column(verbose: Any = None, **options: Any) -> models.DecimalField:
    """CNY with two places, up to a hundred billion."""
    options.setdefault("default", Decimal(0))
    return models.DecimalField(verbose, max_digits=14, decimal_places=2, **options)
