"""Requests, runs and allocations as the tests make them."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateRange

from bookings.actions.schedule_run import schedule_run
from bookings.actions.submit_request import SampleSent, submit_request
from bookings.models import Allocation, Run, ServiceRequest
from kernel.periods import Period
from kernel.references import new_reference
from tests.bookings.test_request import HOUR, NOW, change, hours
from tests.conftest import Cast

TWO_SAMPLES = (SampleSent(name="Steel A", hazards="none"), SampleSent(name="Steel B"))


def by_samples(cast: Cast, **fields: Any) -> Cast:
    """The cast's instrument takes samples now."""
    change(cast.instrument, access_mode="sample_submission", **fields)
    return cast


def by_time(cast: Cast, **fields: Any) -> Cast:
    """The cast's instrument is by allocation now."""
    change(cast.instrument, access_mode="proposal", **fields)
    return cast


def submit(cast: Cast, **fields: Any) -> ServiceRequest:
    """In the coming three weeks, two samples."""
    return submit_request(
        **{
            "by": cast.researcher,
            "instrument": cast.instrument,
            "wanted": Period(NOW, NOW + 21 * 24 * HOUR),
            "project": cast.project,
            "quantity": Decimal(2),
            "purpose": "Fracture surfaces",
            "samples": TWO_SAMPLES,
            "at": NOW,
        }
        | fields
    )


def schedule(cast: Cast, *requests: ServiceRequest, **fields: Any) -> Run:
    """Tomorrow for two hours, by the manager."""
    return schedule_run(
        **{
            "by": cast.manager,
            "instrument": cast.instrument,
            "period": hours(24, 26),
            "requests": requests,
            "at": NOW,
        }
        | fields
    )


def allocate(cast: Cast, granted: Any = 10, **fields: Any) -> Allocation:
    """Ten hours in March on the cast's instrument for the cast's project."""
    return Allocation.objects.create(
        **{
            "reference": new_reference("AL"),
            "instrument": cast.instrument,
            "project": cast.project,
            "valid": DateRange(date(2026, 3, 1), date(2026, 4, 1)),
            "unit": "hour",
            "granted": Decimal(granted),
            "granted_by": cast.manager,
            "created_at": NOW,
        }
        | fields
    )
