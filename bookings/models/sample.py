"""Samples that are sent in with a request, and where they go."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.columns import ENDLESS
from bookings.models.service_request import ServiceRequest
from bookings.request_states import SAMPLE_TRANSITIONS, SampleState


class Sample(models.Model):
    """One sample of a request, by its number there. Texts can be redacted, nothing else."""

    request = models.ForeignKey(ServiceRequest, models.PROTECT, related_name="samples")
    number = models.PositiveSmallIntegerField(_("number"))
    name = models.CharField(_("name"), max_length=200)
    quantity = models.DecimalField(
        _("sample amount"), max_digits=12, decimal_places=4, null=True, blank=True
    )
    unit = models.CharField(_("unit"), max_length=20, blank=True, default="")
    notes = models.CharField(_("notes"), max_length=500, blank=True, default="")
    hazards = models.CharField(_("hazards"), max_length=300, blank=True, default="")
    state = models.CharField(_("state"), max_length=12, choices=SampleState)

    class Meta:
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        ordering = ["request_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="sample_number_once"),
            models.CheckConstraint(
                condition=Q(number__gte=1)
                & (Q(quantity__isnull=True) | Q(quantity__gt=0, quantity__lt=ENDLESS)),
                name="sample_amount_positive",
            ),
            models.CheckConstraint(
                condition=Q(state__in=SampleState.values), name="sample_state_known"
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="sample_state_table",
                field="state",
                transitions=[
                    (str(origin), str(target))
                    for origin, targets in SAMPLE_TRANSITIONS.items()
                    for target in targets
                ],
            ),
            pgtrigger.Protect(
                name="sample_starts_announced",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state=str(SampleState.ANNOUNCED)),
            ),
            pgtrigger.Protect(name="sample_is_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="sample_stays_as_sent", fields=["request", "number", "quantity", "unit"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class SampleEvent(models.Model):
    """Where a sample went, when, by whose hand. Append-only; the note can be redacted."""

    sample = models.ForeignKey(Sample, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    from_state = models.CharField(max_length=12, choices=SampleState)
    to_state = models.CharField(max_length=12, choices=SampleState)
    note = models.CharField(_("note"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("sample event")
        verbose_name_plural = _("sample events")
        ordering = ["id"]
        triggers = [
            pgtrigger.ReadOnly(name="sample_event_append_only", exclude=["note"]),
            pgtrigger.Protect(name="sample_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.sample_id} {self.to_state}"
