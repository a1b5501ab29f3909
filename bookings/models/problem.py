"""What people report about an instrument."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bookings.models.booking import Booking
from bookings.models.readers import FACILITY
from institutions.models import Membership, User
from instruments.models import Instrument


class Severity(models.TextChoices):
    NOTE = "note", _("Only to be known")
    LIMITED = "limited", _("Works with limits")
    DOWN = "down", _("Broken")


class ProblemState(models.TextChoices):
    OPEN = "open", pgettext_lazy("not closed", "Open")
    CLEARED = "cleared", _("Cleared")


# The instrument says since when it is broken, so that no request and no search has to ask.
_SAY_SINCE_WHEN = """
    UPDATE instruments_instrument SET broken_since = found.since
    FROM (
        SELECT MIN(reported_at) AS since FROM bookings_problem
        WHERE instrument_id = NEW.instrument_id AND severity = 'down' AND state = 'open'
    ) AS found
    WHERE id = NEW.instrument_id AND broken_since IS DISTINCT FROM found.since;
    RETURN NULL;
"""
# Two who clear the last two problems at once would each still see the other's.
_ONE_AFTER_THE_OTHER = """
    PERFORM 1 FROM instruments_instrument WHERE id = NEW.instrument_id FOR NO KEY UPDATE;
    RETURN NEW;
"""


class ProblemQuerySet(models.QuerySet["Problem"]):
    def visible_to(self, user: User) -> "ProblemQuerySet":
        """Those of the facilities where the person works, and those he reported."""
        staff = Membership.objects.filter(user=user, role__in=FACILITY).values("institution")
        return self.filter(Q(instrument__institution__in=staff) | Q(reported_by=user))

    def open(self) -> "ProblemQuerySet":
        return self.filter(state=ProblemState.OPEN)

    def with_names(self) -> "ProblemQuerySet":
        return self.select_related(
            "instrument__institution", "reported_by", "cleared_by", "booking"
        )


class Problem(models.Model):
    """Something wrong with an instrument. While one that is `down` is open nothing can be booked.

    What was reported stays as it was; it is cleared once, by whom and how.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="problems")
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    text = models.CharField(_("what is wrong"), max_length=2000)
    booking = models.ForeignKey(
        Booking, models.PROTECT, null=True, blank=True, related_name="problems"
    )
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="problems_reported"
    )
    reported_at = models.DateTimeField(_("reported at"))
    state = models.CharField(
        _("state"), max_length=8, choices=ProblemState, default=ProblemState.OPEN
    )
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    cleared_at = models.DateTimeField(_("cleared at"), null=True, blank=True)
    resolution = models.CharField(_("what was done"), max_length=2000, blank=True, default="")

    objects = ProblemQuerySet.as_manager()

    class Meta:
        verbose_name = _("problem")
        verbose_name_plural = _("problems")
        ordering = ["-reported_at", "-id"]
        indexes = [
            models.Index(
                fields=["instrument"], condition=Q(state="open"), name="problem_open_of_instrument"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="problem_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="open", cleared_by__isnull=True, cleared_at__isnull=True, resolution=""
                )
                | Q(
                    state="cleared",
                    cleared_by__isnull=False,
                    cleared_at__isnull=False,
                    cleared_at__gte=F("reported_at"),
                ),
                name="problem_cleared_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="problem_report_stays",
                fields=[
                    "reference",
                    "instrument",
                    "severity",
                    "booking",
                    "reported_by",
                    "reported_at",
                ],
            ),
            pgtrigger.FSM(
                name="problem_state_table", field="state", transitions=[("open", "cleared")]
            ),
            pgtrigger.Protect(
                name="problem_cleared_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state = 'cleared' AND (NEW.cleared_by_id, NEW.cleared_at)"
                    " IS DISTINCT FROM (OLD.cleared_by_id, OLD.cleared_at)"
                ),
            ),
            pgtrigger.Protect(name="problem_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="problem_one_after_the_other",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_ONE_AFTER_THE_OTHER,
            ),
            pgtrigger.Trigger(
                name="problem_says_since_when",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_SAY_SINCE_WHEN,
            ),
        ]

    def __str__(self) -> str:
        return self.reference
