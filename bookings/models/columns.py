"""Spans of time and quantities look the same in every table."""

from datetime import UTC, datetime
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import CheckConstraint, Q

# Wide enough for any instrument, and without the `infinity` that PostgreSQL would let in.
THINKABLE = DateTimeTZRange(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))

# PostgreSQL's NaN is greater than every number, so an upper bound keeps it out as well.
ENDLESS = Decimal(10) ** 8


def finite(column: str, name: str) -> CheckConstraint:
    """A `tstzrange` that is [start, end), neither empty nor endless."""
    return CheckConstraint(
        condition=Q(
            **{
                f"{column}__isempty": False,
                f"{column}__contained_by": THINKABLE,
                f"{column}__lower_inc": True,
                f"{column}__upper_inc": False,
            }
        ),
        name=name,
    )
