"""Bookings and what happened to them."""

from decimal import Decimal
from typing import TYPE_CHECKING

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Case, Prefetch, Q, Value, When
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.columns import ENDLESS, finite
from bookings.states import NEW_STATES, TRANSITIONS, State
from institutions.models import Membership, Project, Role
from instruments.models import Configuration, Instrument
from kernel.periods import Period

if TYPE_CHECKING:
    from bookings.models.occupancy import Occupancy
    from bookings.models.resource import Resource
    from institutions.models import User

FACILITY = (Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR)
OFFICES = (Role.BILLING_OFFICER, Role.ADMINISTRATOR)


def _insiders(user: "User") -> Q:
    """The requester, the people of his project, and the staff of the facility."""
    return (
        Q(requester=user)
        | Q(project__in=Project.objects.bookable_by(user).values("pk"))
        | _of_staff(user)
    )


def _of_staff(user: "User") -> Q:
    staff = Membership.objects.filter(user=user, role__in=FACILITY).values("institution")
    return Q(instrument__institution__in=staff)


def resources_taken() -> "Prefetch[str]":
    """What a booking has besides its seat, for `accessories_taken` and `operator_taken`."""
    occupancy = apps.get_model("bookings", "Occupancy")
    taken = occupancy.objects.filter(released_at=None).exclude(resource__kind="seat")
    taken = taken.select_related("resource__person").order_by("resource__code", "pk")
    return Prefetch("occupancies", taken, to_attr="taken_along")


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: "User") -> "BookingQuerySet":
        """Their own, their projects', their facility's, and those their institution pays for."""
        offices = Membership.objects.filter(user=user, role__in=OFFICES).values("institution")
        return self.filter(
            _insiders(user)
            | Q(instrument__institution__in=offices)
            | Q(project__institution__in=offices)
        )

    def readable_by(self, user: "User") -> "BookingQuerySet":
        """`visible_to`, with `shows_purpose`: a confidential purpose is for insiders only; and
        `shows_operator`: who operates is for the requester and the facility."""
        return self.visible_to(user).annotate(
            shows_purpose=Case(
                When(Q(confidential=False) | _insiders(user), then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            ),
            shows_operator=Case(
                When(Q(requester=user) | _of_staff(user), then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            ),
        )

    def with_resources(self) -> "BookingQuerySet":
        """With `accessories_taken` and `operator_taken`; one query for all of them."""
        return self.select_related("configuration").prefetch_related(resources_taken())

    def with_names(self) -> "BookingQuerySet":
        """What a list or a page shows of a booking, in one query."""
        return self.select_related(
            "instrument__institution__region__city", "requester", "project__institution"
        )


class Booking(models.Model):
    """Somebody's claim on an instrument for a project.

    `during` is what the user asked for, [start, end) in UTC; the occupancies also cover set-up
    and tear-down. `price` is the quote as it was frozen, with the tariff and programme versions
    that it used. `programme` is what was asked for: a code, `best`, or nothing.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="bookings")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="bookings")
    project = models.ForeignKey(Project, models.PROTECT, related_name="bookings")
    state = models.CharField(_("state"), max_length=20, choices=State)
    during = DateTimeRangeField(_("time"))
    quantity = models.DecimalField(
        _("quantity"), max_digits=10, decimal_places=2, default=Decimal(1)
    )
    purpose = models.CharField(_("purpose"), max_length=500)
    configuration = models.ForeignKey(
        Configuration, models.PROTECT, null=True, blank=True, related_name="+"
    )
    confidential = models.BooleanField(_("confidential"), default=False)
    programme = models.CharField(_("voucher programme"), max_length=20, blank=True, default="")
    price = models.JSONField(default=dict)
    # Moved within the notice period: cancelling stays late, however far away the new time is.
    moved_late = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("created at"))

    taken_along: "list[Occupancy]"
    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["-created_at", "-id"]
        indexes = [
            GistIndex(fields=["during"], name="booking_during"),
            models.Index(fields=["instrument", "state"], name="booking_instrument_state"),
            models.Index(fields=["requester", "-created_at"], name="booking_requester"),
        ]
        constraints = [
            finite("during", "booking_during_finite"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lt=ENDLESS), name="booking_quantity_positive"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="booking_state_known"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="booking_state_table",
                field="state",
                transitions=[
                    (str(origin), str(target))
                    for origin, targets in TRANSITIONS.items()
                    for target in targets
                ],
            ),
            pgtrigger.Protect(
                name="booking_starts_in_a_new_state",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state__in=[str(state) for state in NEW_STATES]),
            ),
            pgtrigger.Protect(name="booking_is_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="booking_parties_stay",
                fields=["reference", "requester", "project", "created_at"],
            ),
            guards.frozen_when_ended(),
            guards.state_and_time("booking_state_and_time", "NEW.id"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)

    @property
    def accessories_taken(self) -> "list[Resource]":
        """The accessories that the booking has now, by code, read with `with_resources`."""
        return [one.resource for one in self.taken_along if one.resource.kind == "accessory"]

    @property
    def operator_taken(self) -> "Resource | None":
        """Who operates the booking, read with `with_resources`."""
        found = (one.resource for one in self.taken_along if one.resource.kind == "operator")
        return next(found, None)


class BookingEvent(models.Model):
    """One thing that happened to a booking. Append-only; only its free text can be redacted."""

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(_("event"), max_length=30)
    from_state = models.CharField(max_length=20, blank=True, default="")
    to_state = models.CharField(max_length=20, choices=State)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("booking event")
        verbose_name_plural = _("booking events")
        ordering = ["id"]
        triggers = [
            pgtrigger.ReadOnly(name="booking_event_append_only", exclude=["reason"]),
            pgtrigger.Protect(name="booking_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.kind}"
