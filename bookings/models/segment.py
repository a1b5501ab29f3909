"""What a use was made of: running, down, idle."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from bookings.models.columns import finite
from bookings.models.usage import DownCause, SegmentKind, Usage
from bookings.models.written import only_with_its_parent
from kernel.periods import Period

_INSIDE = """
    IF NOT (NEW.during <@ (SELECT during FROM bookings_usage WHERE id = NEW.usage_id)) THEN
        RAISE EXCEPTION 'a segment lies outside the use %', NEW.usage_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'usage_segment_inside_use';
    END IF;
    RETURN NEW;
"""


class UsageSegment(models.Model):
    """A part of a use, [start, end) in UTC. Written with the use, never changed: it is charged."""

    usage = models.ForeignKey(Usage, models.PROTECT, related_name="segments")
    during = DateTimeRangeField(_("time"))
    kind = models.CharField(_("kind"), max_length=4, choices=SegmentKind)
    cause = models.CharField(_("cause"), max_length=16, choices=DownCause, blank=True, default="")

    class Meta:
        verbose_name = _("part of a use")
        verbose_name_plural = _("parts of a use")
        ordering = ["during", "id"]
        constraints = [
            ExclusionConstraint(
                name="usage_segment_no_overlap",
                expressions=[
                    (
                        Func(
                            F("usage_id"),
                            F("usage_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
            finite("during", "usage_segment_during_finite"),
            models.CheckConstraint(
                condition=Q(kind="down", cause__in=DownCause.values)
                | Q(kind__in=["run", "idle"], cause=""),
                name="usage_segment_down_has_cause",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="usage_segment_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            only_with_its_parent(
                "usage_segment_with_its_use", table="bookings_usage", column="usage_id"
            ),
            pgtrigger.Trigger(
                name="usage_segment_inside_use",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_INSIDE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.usage_id} {self.kind} {self.during}"

    @property
    def period(self) -> Period:
        return Period.of_range(self.during)
