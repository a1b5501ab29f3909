"""Which VAT rate an institution has on a day of its zone."""

from datetime import date
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateRange

from institutions.models import Institution, VatRate
from institutions.models.vat import USUAL_RATE


def covers(valid: DateRange, day: date) -> bool:
    """Whether `day` lies in a half-open range of days that may lack either end."""
    first, end = valid.lower, valid.upper
    return (first is None or first <= day) and (end is None or day < end)


def rate_on(institution: Institution, day: date) -> Decimal:
    """A fraction: the usual rate where none is on the list for this day. One query."""
    found = VatRate.objects.filter(institution=institution, valid__contains=day)
    rate = found.values_list("rate", flat=True).first()
    return USUAL_RATE if rate is None else rate
