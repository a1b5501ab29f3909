"""Requests for instruments without slots: samples sent in, or time applied for."""

from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.columns import ENDLESS, finite
from bookings.models.readers import OFFICES, insiders
from bookings.request_states import REQUEST_TRANSITIONS, RequestState
from institutions.models import Membership, Project
from instruments.models import AccessMode, Instrument
from kernel.periods import Period

if TYPE_CHECKING:
    from institutions.models import User


class RequestKind(models.TextChoices):
    """As the instrument's kind of access was when it was asked."""

    SAMPLES = AccessMode.SAMPLE_SUBMISSION.value, _("Samples")
    TIME = AccessMode.PROPOSAL.value, _("Time")


class TimeUnit(models.TextChoices):
    """In what time is applied for and granted."""

    HOUR = "hour", _("hours")
    SHIFT = "shift", _("shifts")


class ServiceRequestQuerySet(models.QuerySet["ServiceRequest"]):
    def visible_to(self, user: "User") -> "ServiceRequestQuerySet":
        """Their own, their projects', their facility's, and those their institution pays for."""
        offices = Membership.objects.filter(user=user, role__in=OFFICES).values("institution")
        return self.filter(
            insiders(user)
            | Q(instrument__institution__in=offices)
            | Q(project__institution__in=offices)
        )

    def readable_by(self, user: "User") -> "ServiceRequestQuerySet":
        """`visible_to`, with `shows_purpose`: purpose and samples of a confidential request are
        for insiders only."""
        return self.visible_to(user).annotate(
            shows_purpose=Case(
                When(Q(confidential=False) | insiders(user), then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            )
        )

    def with_names(self) -> "ServiceRequestQuerySet":
        """What a list or a page shows of a request, in one query."""
        return self.select_related(
            "instrument__institution__region__city", "requester", "project__institution"
        )


class ServiceRequest(models.Model):
    """Somebody asks a facility for measurements or for time; there is no slot yet.

    `wanted` is the window in which it would suit, [start, end) in UTC. `quantity` counts samples,
    or hours or shifts in `unit` where time is applied for.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=RequestKind)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="service_requests")
    project = models.ForeignKey(Project, models.PROTECT, related_name="service_requests")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="service_requests"
    )
    programme = models.CharField(_("voucher programme"), max_length=20, blank=True, default="")
    order_number = models.CharField(_("order number"), max_length=40, blank=True, default="")
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=2)
    unit = models.CharField(_("unit"), max_length=8, choices=TimeUnit, blank=True, default="")
    wanted = DateTimeRangeField(_("wanted"))
    purpose = models.CharField(_("purpose"), max_length=500)
    confidential = models.BooleanField(_("confidential"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=RequestState)
    created_at = models.DateTimeField(_("created at"))

    objects = ServiceRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["instrument", "state"], name="request_instrument_state"),
            models.Index(fields=["requester", "-created_at"], name="request_requester"),
        ]
        constraints = [
            finite("wanted", "request_wanted_finite"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lt=ENDLESS), name="request_quantity_positive"
            ),
            models.CheckConstraint(
                condition=Q(kind=RequestKind.SAMPLES, unit="")
                | Q(kind=RequestKind.TIME, unit__in=TimeUnit.values),
                name="request_kind_and_unit",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values)
                & ~Q(kind=RequestKind.SAMPLES, state=RequestState.GRANTED)
                & ~Q(
                    kind=RequestKind.TIME,
                    state__in=[RequestState.SCHEDULED, RequestState.DONE],
                ),
                name="request_kind_and_state",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="request_state_table",
                field="state",
                transitions=[
                    (str(origin), str(target))
                    for origin, targets in REQUEST_TRANSITIONS.items()
                    for target in targets
                ],
            ),
            pgtrigger.Protect(
                name="request_starts_submitted",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state=str(RequestState.SUBMITTED)),
            ),
            pgtrigger.Protect(name="request_is_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="request_stays_as_asked", exclude=["state", "purpose", "confidential"]
            ),
            guards.request_and_booking("request_request_and_booking", "NEW.id"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def period(self) -> Period:
        """The window that was wished for."""
        return Period.of_range(self.wanted)


class RequestEvent(models.Model):
    """One thing that happened to a request. Append-only; only its free text can be redacted."""

    request = models.ForeignKey(ServiceRequest, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    from_state = models.CharField(max_length=12, blank=True, default="")
    to_state = models.CharField(max_length=12, choices=RequestState)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("request event")
        verbose_name_plural = _("request events")
        ordering = ["id"]
        triggers = [
            pgtrigger.ReadOnly(name="request_event_append_only", exclude=["reason"]),
            pgtrigger.Protect(name="request_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.to_state}"
