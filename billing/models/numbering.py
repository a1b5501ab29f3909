"""Gapless numbers of documents: one counter for each institution, year and series."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution

# A number that is skipped or used again is the one thing that an auditor looks for first.
_ONE_MORE = """
    IF NEW.last <> OLD.last + 1
       OR (NEW.institution_id, NEW.year, NEW.series)
          IS DISTINCT FROM (OLD.institution_id, OLD.year, OLD.series)
    THEN
        RAISE EXCEPTION 'number counter % goes up by one', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'number_counter_by_one';
    END IF;
    RETURN NEW;
"""


class Series(models.TextChoices):
    """What is numbered; the value stands in the number."""

    STATEMENT = "", _("Statements")
    CREDIT_NOTE = "C", _("Credit notes")


class NumberCounter(models.Model):
    """The last number of an institution, year and series. Locked last, so no gap can open."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    series = models.CharField(max_length=2, choices=Series, blank=True, default=Series.STATEMENT)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("number counter")
        verbose_name_plural = _("number counters")
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "year", "series"], name="number_counter_once"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="number_counter_from_zero",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__last=0),
            ),
            pgtrigger.Trigger(
                name="number_counter_by_one",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=_ONE_MORE,
            ),
            pgtrigger.Protect(name="number_counter_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id} {self.year} {self.series}: {self.last}"
