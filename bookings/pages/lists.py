"""Which bookings a list shows: one's own, and a facility's."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from bookings.models import Booking, BookingSplit
from bookings.models.booking import BookingQuerySet
from bookings.states import ACTIVE, WAITING, State
from institutions.models import Institution, Project, User
from kernel.periods import Period

STARTS = "during__startswith"


def mine(user: User) -> BookingQuerySet:
    """What the person asked for, and what waits for this person's consent."""
    own = Q(requester=user)
    return Booking.objects.filter(own | awaiting_consent_of(user)).with_names()


def awaiting_consent_of(user: User) -> Q:
    """Bookings whose price `user` may agree to: on a project that he leads, or that he leads one
    of those that are asked."""
    led = Project.objects.led_by(user).values("pk")
    asked = BookingSplit.objects.filter(project__in=led, awaits_consent=True).values("booking")
    return Q(state=State.AWAITING_PRINCIPAL) & (
        Q(is_split=False, project__in=led) | Q(is_split=True, pk__in=asked)
    )


def narrowed(found: BookingQuerySet, show: str, *, at: datetime) -> QuerySet[Booking]:
    """`upcoming` (running ones too), `waiting`, `past` or `all`, in the order that suits it."""
    match show:
        case "waiting":
            return found.filter(state__in=WAITING).order_by(STARTS, "pk")
        case "past":
            return found.filter(Q(during__endswith__lte=at) | ~Q(state__in=ACTIVE)).order_by(
                f"-{STARTS}", "-pk"
            )
        case "all":
            return found.order_by(f"-{STARTS}", "-pk")
    return found.filter(state__in=ACTIVE, during__endswith__gt=at).order_by(STARTS, "pk")


def searched(found: QuerySet[Booking], text: str) -> QuerySet[Booking]:
    """By a part of the instrument's name or code, or of the reference."""
    if not text:
        return found
    return found.filter(
        Q(reference__icontains=text)
        | Q(instrument__code__icontains=text)
        | Q(instrument__name_zh__icontains=text)
        | Q(instrument__name_en__icontains=text)
    )


def of_facility(institution: Institution) -> BookingQuerySet:
    return Booking.objects.filter(instrument__institution=institution).with_names()


def facility_list(
    found: BookingQuerySet, show: str, *, at: datetime, zone: str
) -> QuerySet[Booking]:
    """`today`, `open` (begun, use not recorded yet), `flagged`, or as `narrowed`."""
    found = found.with_flags(at)
    match show:
        case "today":
            day = _day_of(at, zone)
            return found.filter(during__overlap=day.as_range(), state__in=_HAPPENING).order_by(
                STARTS, "pk"
            )
        case "open":
            return found.filter(
                Q(state=State.IN_USE) | Q(state=State.APPROVED, during__startswith__lte=at)
            ).order_by(STARTS, "pk")
        case "flagged":
            return found.flagged().order_by(STARTS, "pk")
    return narrowed(found, show, at=at)


_HAPPENING = (State.APPROVED, State.IN_USE, State.COMPLETED, State.NO_SHOW, State.REQUESTED)


def _day_of(at: datetime, zone: str) -> Period:
    tz = ZoneInfo(zone)
    midnight = datetime.combine(at.astimezone(tz).date(), time(0), tz)
    return Period(midnight, midnight + timedelta(days=1)).in_utc()


def waiting_for_facility(institution: Institution) -> BookingQuerySet:
    """The approvals queue: soonest first, with the sign-offs that come before an approval."""
    found = of_facility(institution).filter(state=State.REQUESTED).select_related("sign_off")
    return found.order_by(STARTS, "pk")
