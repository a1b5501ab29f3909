"""What a billing office has to mend before it can be charged."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    F,
    Func,
    QuerySet,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from billing.models import Charge
from billing.states import ChargeState
from bookings.models import Booking
from bookings.states import State
from institutions.models import Institution, Membership, Role, User

# So long after its end a booking's use is recorded, or somebody has forgotten it.
OVERDUE = timedelta(hours=24)
ELIGIBILITY_LOST = "eligibility_lost"


class ExceptionKind(TextChoices):
    MISSING_USAGE = "missing_usage", _("Use not recorded")
    MISSING_TARIFF = "missing_tariff", _("No price")
    ELIGIBILITY_LOST = "eligibility_lost", _("Voucher may not pay any more")


def exceptions(user: User, *, at: datetime, provider: str = "") -> QuerySet[Any, Any]:
    """Rows for the eyes of the provider's billing office, oldest first: bookings that ended more
    than a day before `at` without a word of their use, and charges in `exception`; those of one
    `provider` where its code is given."""
    offices = Institution.objects.filter(
        pk__in=Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        ).values("institution")
    )
    if provider:
        offices = offices.filter(code=provider)
    return exceptions_of(offices, at=at)


def exceptions_of(
    providers: QuerySet[Institution] | list[Institution], *, at: datetime
) -> QuerySet[Any, Any]:
    """The same for these providers. One query for a page of it."""
    unrecorded = Booking.objects.filter(
        instrument__institution__in=providers,
        state__in=[State.APPROVED, State.IN_USE],
        usage=None,
        during__endswith__lt=at - OVERDUE,
    )
    stuck = Charge.objects.filter(provider__in=providers, state=ChargeState.EXCEPTION)
    kind = Case(
        When(price__exception=ELIGIBILITY_LOST, then=Value(ExceptionKind.ELIGIBILITY_LOST.value)),
        default=Value(ExceptionKind.MISSING_TARIFF.value),
        output_field=CharField(),
    )
    rows = unrecorded.order_by().values(
        what=Value(ExceptionKind.MISSING_USAGE.value, output_field=CharField()),
        since=Func(F("during"), function="upper", output_field=DateTimeField()),
        booking_reference=Cast("reference", CharField()),
        charge_reference=Value("", output_field=CharField()),
        code=F("instrument__code"),
        provider_code=F("instrument__institution__code"),
        payer_code=F("project__institution__code"),
    )
    others = stuck.order_by().values(
        what=kind,
        since=F("created_at"),
        booking_reference=F("booking__reference"),
        charge_reference=Cast("reference", CharField()),
        code=F("booking__instrument__code"),
        provider_code=F("provider__code"),
        payer_code=F("payer__code"),
    )
    return rows.union(others, all=True).order_by("since", "booking_reference")
