"""Bookings."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Case, F, Func, OuterRef, Prefetch, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.columns import ENDLESS, finite
from bookings.models.readers import OFFICES, of_staff, readers
from bookings.states import ACTIVE, AHEAD, NEW_STATES, TRANSITIONS, State
from institutions.models import Membership, Project
from instruments.models import Configuration, Instrument, QuestionSet
from instruments.qualifying import qualifying
from kernel.periods import Period

if TYPE_CHECKING:
    from datetime import datetime

    from bookings.models.occupancy import Occupancy
    from bookings.models.resource import Resource
    from institutions.models import User


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
            readers(user)
            | Q(instrument__institution__in=offices)
            | Q(project__institution__in=offices)
        )

    def inside(self, user: "User") -> "BookingQuerySet":
        """Those of which `user` may read everything."""
        return self.filter(readers(user))

    def readable_by(self, user: "User") -> "BookingQuerySet":
        """`visible_to`, with `shows_purpose`: a confidential purpose is for insiders only; and
        `shows_operator`: who operates is for the requester and the facility."""
        return self.visible_to(user).annotate(
            shows_purpose=Case(
                When(Q(confidential=False) | readers(user), then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            ),
            shows_operator=Case(
                When(Q(requester=user) | of_staff(user), then=Value(True)),
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
            "instrument__institution__region__city",
            "requester",
            "project__institution",
            "request",
            "sign_off",
        )

    def with_flags(self, at: "datetime") -> "BookingQuerySet":
        """What `flags` looks at, read with the bookings: `held_level`, the level of training that
        will count on the booking's own day, and `is_ahead`, whether it is still to come at `at`."""
        start = Func(F("during"), function="lower", output_field=models.DateTimeField())
        day = Func(F("instrument__institution__timezone"), start, function="timezone")
        training = qualifying(
            user=OuterRef("requester"),
            instrument=OuterRef("instrument"),
            institution=OuterRef("instrument__institution"),
            techniques=OuterRef("instrument__techniques"),
            day=OuterRef("day"),
        )
        best = training.order_by("-level").values("level")[:1]
        ahead = When(state__in=AHEAD, during__startswith__gt=at, then=Value(True))
        return self.alias(day=Cast(day, models.DateField())).annotate(
            held_level=Coalesce(Subquery(best), 0),
            is_ahead=Case(ahead, default=Value(False), output_field=models.BooleanField()),
        )

    def flagged(self) -> "BookingQuerySet":
        """After `with_flags`: those to come whose requester will not be qualified on that day."""
        return self.filter(
            is_ahead=True,
            instrument__needs_qualification=True,
            held_level__lt=F("instrument__required_level"),
        )


class Booking(models.Model):
    """Somebody's claim on an instrument for a project.

    `during` is what the user asked for, [start, end) in UTC; the occupancies also cover set-up
    and tear-down. `price` is the quote as it was frozen, with the tariff and programme versions
    that it used. `programme` is what was asked for: a code, `best`, or nothing.
    `answers` are what `question_set` asked and what was said, frozen with the questions' texts.
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
    # That of the official platform, where the programme asks for one before the service.
    order_number = models.CharField(_("order number"), max_length=40, blank=True, default="")
    price = models.JSONField(default=dict)
    # Several projects of one payer share what it costs: `BookingSplit` says how.
    is_split = models.BooleanField(_("split over projects"), default=False)
    # Moved within the notice period: cancelling stays late, however far away the new time is.
    moved_late = models.BooleanField(default=False)
    question_set = models.ForeignKey(
        QuestionSet, models.PROTECT, null=True, blank=True, related_name="bookings"
    )
    answers: Any = models.JSONField(_("answers"), default=list, blank=True)
    created_at = models.DateTimeField(_("created at"))
    # Where the facility has scheduled it: the request that it serves, and the run it is part of.
    request = models.ForeignKey(
        "bookings.ServiceRequest", models.PROTECT, null=True, blank=True, related_name="bookings"
    )
    run = models.ForeignKey(
        "bookings.Run", models.PROTECT, null=True, blank=True, related_name="bookings"
    )

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
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(state__in=[*ACTIVE, State.COMPLETED]),
                name="booking_one_standing_per_request",
            ),
            models.CheckConstraint(
                condition=Q(request__isnull=True, run__isnull=True)
                | Q(request__isnull=False, run__isnull=False),
                name="booking_of_a_request_has_its_run",
            ),
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
                fields=[
                    "reference",
                    "requester",
                    "project",
                    "is_split",
                    "created_at",
                    "request",
                    "run",
                ],
            ),
            pgtrigger.ReadOnly(name="booking_answers_stay", fields=["answers", "question_set"]),
            guards.frozen_when_ended(),
            guards.approved_and_signed_off("booking_signed_off", "NEW.id"),
            guards.state_and_time("booking_state_and_time", "NEW.id"),
            guards.split_whole("booking_is_split_whole", "NEW.id"),
            guards.request_and_booking("booking_request_and_booking", "NEW.request_id"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)

    @property
    def flags(self) -> list[str]:
        """What somebody should see to before the day, as codes; none unless read `with_flags`."""
        if not getattr(self, "is_ahead", False) or not self.instrument.needs_qualification:
            return []
        held: int = getattr(self, "held_level", 0)
        return ["not_qualified"] if held < self.instrument.required_level else []

    @property
    def codes_to_sign_off(self) -> list[str]:
        """The questions whose answers are the safety officer's to judge."""
        return [row["code"] for row in self.answers if row["needs_sign_off"]]

    @property
    def accessories_taken(self) -> "list[Resource]":
        """The accessories that the booking has now, by code, read with `with_resources`."""
        return [one.resource for one in self.taken_along if one.resource.kind == "accessory"]

    @property
    def operator_claim(self) -> "Occupancy | None":
        """The time in which somebody operates it, and who; read with `with_resources`."""
        return next((one for one in self.taken_along if one.resource.kind == "operator"), None)

    @property
    def operator_taken(self) -> "Resource | None":
        """Who operates the booking, read with `with_resources`."""
        return self.operator_claim.resource if self.operator_claim else None
