"""Programmes, pools and allotments, and bookings whose money is held."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing.models import Allotment, Charge, Pool, Programme, ProgrammeTerms
from billing.till import Till
from bookings.models import Booking, BookingSplit, Occupancy, Resource, Usage
from bookings.splitting import Share
from bookings.states import State
from institutions.models import Institution
from kernel.periods import Period
from kernel.references import new_reference
from tests import factories as f
from tests.conftest import Cast

NINE = f.MONDAY + timedelta(hours=1)  # 09:00 in Shanghai


def terms(
    code: str = "HU-SU",
    *,
    lead: str = "310000",
    holders: Iterable[str] = ("310000", "320500"),
    providers: Iterable[str] = ("310000", "320500"),
    **fields: Any,
) -> ProgrammeTerms:
    """By default: half the price, at most ¥50,000, across the two cities, net, 2026 and 2027."""
    programme, _ = Programme.objects.get_or_create(
        code=code,
        defaults={
            "name_zh": code,
            "name_en": f"Programme {code}",
            "lead_region": f.region(lead),
        },
    )
    made = ProgrammeTerms.objects.create(
        programme=programme,
        **{
            "version": programme.terms.count() + 1,
            "cross_city_required": True,
            "holder_kinds": ["enterprise", "foreign_rd_centre"],
            "service_kinds": ["instrument", "testing"],
            "rate": Decimal("0.5"),
            "per_booking_cap": Decimal(50_000),
            "annual_cap": Decimal(300_000),
            "settlement": "net",
            "excludes_related_parties": True,
            "valid_from": date(2026, 1, 1),
            "valid_until": date(2027, 12, 31),
        }
        | fields,
    )
    made.holder_regions.set(f.region(code) for code in holders)
    made.provider_regions.set(f.region(code) for code in providers)
    return made


def pool(
    terms: ProgrammeTerms, region: str = "320500", *, year: int = 2026, amount: Any = 1_000_000
) -> Pool:
    return Pool.objects.create(
        programme=terms.programme,
        funding_region=f.region(region),
        year=year,
        amount=Decimal(amount),
    )


def allotment(
    terms: ProgrammeTerms, holder: Institution, *, cap: Any = 300_000, year: int = 2026
) -> Allotment:
    made = Allotment.objects.create(
        programme=terms.programme, holder=holder, year=year, cap=Decimal(cap)
    )
    made.refresh_from_db()
    return made


def booking(
    cast: Cast,
    *,
    start: datetime = NINE,
    hours: float = 2,
    programme: str = "",
    quantity: Any = 1,
    splits: Sequence[Share] = (),
    **fields: Any,
) -> Booking:
    """A booking's row alone, with those of its `splits`; nothing held yet."""
    period = Period(start, start + timedelta(hours=hours))
    with transaction.atomic():
        made = Booking.objects.create(
            **{
                "reference": new_reference("BK"),
                "instrument": cast.instrument,
                "requester": cast.researcher,
                "project": cast.project,
                "state": State.APPROVED,
                "during": period.as_range(),
                "quantity": Decimal(quantity),
                "is_split": bool(splits),
                "purpose": "test",
                "programme": programme,
                "created_at": f.MONDAY,
            }
            | fields
        )
        BookingSplit.objects.bulk_create(
            BookingSplit(booking=made, project=one.project, percent=one.percent) for one in splits
        )
        # Time of its own, so that these bookings may overlap: money does not look at the calendar.
        resource = Resource.objects.create(
            kind="accessory", institution=cast.shanghai_lab, code=made.reference
        )
        Occupancy.objects.create(
            resource=resource, during=made.during, kind="booking", booking=made
        )
    return made


def held(cast: Cast, **fields: Any) -> Booking:
    """A booking with its money held and its price frozen, as the calendar does it."""
    made = booking(cast, **fields)
    [quote] = Till().hold([made], by=cast.researcher, at=f.MONDAY)
    made.price = quote.as_dict()
    made.save(update_fields=["price"])
    return made


def usage(
    cast: Cast, booking: Booking, *, hours: float | None = None, quantity: Any = None
) -> Usage:
    """What was really used; without `hours` as long as booked."""
    period = booking.period
    if hours is not None:
        period = Period(period.start, period.start + timedelta(hours=hours))
    return Usage.objects.create(
        booking=booking,
        during=period.as_range(),
        quantity=booking.quantity if quantity is None else Decimal(quantity),
        recorded_by=cast.manager,
        recorded_at=period.end,
    )


def used(cast: Cast, booking: Booking, **fields: Any) -> Charge:
    """The use is recorded and charged."""
    made = usage(cast, booking, **fields)
    Till().charge([made], by=cast.manager, at=made.period.end)
    return Charge.objects.get(booking=booking)
