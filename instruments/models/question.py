"""What a facility asks before its instruments are used: dated sets of questions."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, Membership, Role
from institutions.models.names import Named
from instruments.models.instrument import Instrument

if TYPE_CHECKING:
    from institutions.models import User

# PostgreSQL's NaN is greater than every number, so an upper bound keeps it out as well.
MOST = Decimal(10) ** 12
READERS = (Role.OPERATOR, Role.FACILITY_MANAGER, Role.SAFETY_OFFICER, Role.ADMINISTRATOR)

_NOT_ONCE_IN_USE = """
    IF EXISTS (
        SELECT 1 FROM instruments_questionsetuse WHERE question_set_id = NEW.question_set_id
    ) THEN
        RAISE EXCEPTION 'question set % is in use', NEW.question_set_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'question_set_is_published';
    END IF;
    RETURN NEW;
"""


class Topic(models.TextChoices):
    HAZARDS = "hazards", _("Hazards")
    BIOSAFETY_LEVEL = "biosafety_level", _("Biosafety level")
    ISOTOPES = "isotopes", _("Isotopes")
    HUMAN_GENETIC_RESOURCES = "human_genetic_resources", _("Human genetic resources")
    SAMPLE_STATE = "sample_state", _("State of the sample")
    OTHER = "other", _("Other")


class AnswerKind(models.TextChoices):
    YES_NO = "yes_no", _("Yes or no")
    CHOICE = "choice", _("One of several")
    NUMBER = "number", _("Number")
    TEXT = "text", _("Text")


class QuestionSetQuerySet(models.QuerySet["QuestionSet"]):
    def visible_to(self, user: "User") -> "QuestionSetQuerySet":
        """Those of facilities where `user` works; what is asked now is public elsewhere."""
        places = Membership.objects.filter(user=user, role__in=READERS).values("institution")
        return self.filter(institution__in=places)


class QuestionSet(Named):
    """One version of a facility's questions. It never changes: editing makes the next version,
    which is asked from a day on, so that answers always say what they answered."""

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="question_sets")
    version = models.PositiveIntegerField(_("version"), default=1)
    previous = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="next"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"))

    objects = QuestionSetQuerySet.as_manager()

    class Meta:
        verbose_name = _("question set")
        verbose_name_plural = _("question sets")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(version=1, previous__isnull=True)
                | Q(version__gt=1, previous__isnull=False),
                name="question_set_versions_follow",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="question_set_never_changes"),
            pgtrigger.Protect(name="question_set_never_deleted", operation=pgtrigger.Delete),
        ]


class Question(models.Model):
    """One question of a set, in its order. Never changes.

    `choices` are `{"code", "name_zh", "name_en"}`. An answer needs the safety officer's sign-off
    where it is one of `sign_off_answers` (`yes`, `no`, or codes of choices), or a number of
    `sign_off_at_least` and more.
    """

    question_set = models.ForeignKey(QuestionSet, models.PROTECT, related_name="questions")
    number = models.PositiveSmallIntegerField(_("number"))
    code = models.CharField(_("code"), max_length=40)
    topic = models.CharField(_("topic"), max_length=24, choices=Topic)
    text_zh = models.CharField(_("Chinese text"), max_length=300)
    text_en = models.CharField(_("English text"), max_length=300)
    kind = models.CharField(_("kind of answer"), max_length=8, choices=AnswerKind)
    choices: Any = models.JSONField(default=list, blank=True)
    required = models.BooleanField(_("required"), default=True)
    sign_off_answers = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    sign_off_at_least = models.DecimalField(
        _("sign-off from"), max_digits=18, decimal_places=6, null=True, blank=True
    )

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["question_set_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["question_set", "number"], name="question_number_once"),
            models.UniqueConstraint(fields=["question_set", "code"], name="question_code_once"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[a-z][a-z0-9_]*$"), name="question_code_shape"
            ),
            models.CheckConstraint(
                condition=Q(topic__in=Topic.values, kind__in=AnswerKind.values),
                name="question_topic_and_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="choice") & ~Q(choices=[]) | ~Q(kind="choice") & Q(choices=[]),
                name="question_choices_where_chosen",
            ),
            models.CheckConstraint(
                condition=(Q(kind="number") | Q(sign_off_at_least__isnull=True))
                & (Q(kind__in=["yes_no", "choice"]) | Q(sign_off_answers=[]))
                & (Q(sign_off_at_least__isnull=True) | Q(sign_off_at_least__lt=MOST)),
                name="question_sign_off_fits_kind",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="question_never_changes"),
            pgtrigger.Protect(name="question_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="question_set_is_published",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_NOT_ONCE_IN_USE,
            ),
        ]

    def __str__(self) -> str:
        return self.code


class QuestionSetUse(models.Model):
    """The days on which an instrument asks a set, half-open, in the institution's zone."""

    question_set = models.ForeignKey(QuestionSet, models.PROTECT, related_name="uses")
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="question_uses")
    valid = DateRangeField(_("valid"))

    class Meta:
        verbose_name = _("use of a question set")
        verbose_name_plural = _("uses of question sets")
        ordering = ["instrument_id", "valid"]
        constraints = [
            # The int-range form needs no extension, so every managed PostgreSQL serves.
            ExclusionConstraint(
                name="question_use_no_overlap",
                expressions=[
                    (
                        Func(
                            F("instrument_id"),
                            F("instrument_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(valid__isempty=False, valid__startswith__isnull=False),
                name="question_use_valid_not_empty",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="question_use_belongs", fields=["question_set", "instrument"]),
        ]

    def __str__(self) -> str:
        return f"{self.question_set_id} · {self.instrument_id}"
