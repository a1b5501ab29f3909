"""What instruments say themselves: the lines of their logs."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.models.columns import finite
from bookings.models.usage import Usage
from instruments.models import Instrument
from kernel.periods import Period

_FOUND_ONCE = """
    IF OLD.usage_id IS NOT NULL AND NEW.usage_id IS DISTINCT FROM OLD.usage_id THEN
        RAISE EXCEPTION 'log line % belongs to a use already', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'log_line_found_once';
    END IF;
    RETURN NEW;
"""


class InstrumentLogLine(models.Model):
    """One run as the instrument's own log has it; the same line is kept once.

    `usage` is the use that it became part of, null while it fits no booking; set once. `operator`
    is free text of the log and can be redacted.
    """

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="log_lines")
    during = DateTimeRangeField(_("time"))
    operator = models.CharField(_("operator"), max_length=100, blank=True, default="")
    usage = models.ForeignKey(
        Usage, models.PROTECT, null=True, blank=True, related_name="log_lines"
    )
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("line of an instrument log")
        verbose_name_plural = _("lines of instrument logs")
        ordering = ["during", "id"]
        indexes = [
            models.Index(
                fields=["instrument", "id"],
                condition=models.Q(usage__isnull=True),
                name="log_line_without_use",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "during", "operator"], name="log_line_once"
            ),
            finite("during", "log_line_during_finite"),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="log_line_append_only",
                fields=["instrument", "during", "received_by", "received_at"],
            ),
            pgtrigger.Trigger(
                name="log_line_found_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=_FOUND_ONCE,
            ),
            pgtrigger.Protect(name="log_line_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.during}"

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)
