"""Instruments and the rules by which they are booked."""

from decimal import Decimal

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution
from institutions.models.names import Named
from instruments.models.calendar import OpeningCalendar
from instruments.models.category import Category


class AccessMode(models.TextChoices):
    SELF_SERVICE = "self_service", _("Self-service")
    OPERATOR_ASSISTED = "operator_assisted", _("Operator-assisted")
    SAMPLE_SUBMISSION = "sample_submission", _("Sample submission")
    PROPOSAL = "proposal", _("By proposal")


# Levels of training are counted from 1; an instrument says which one it needs.
MOST_LEVEL = 9

BY_REQUEST = frozenset({AccessMode.SAMPLE_SUBMISSION, AccessMode.PROPOSAL})


class Attendance(models.TextChoices):
    NONE = "none", _("No staff needed")
    HANDOVER = "handover", _("Staff hand over, then it runs alone")
    THROUGHOUT = "throughout", _("Staff stay throughout")


class Approval(models.TextChoices):
    AUTOMATIC = "automatic", _("Approves itself")
    MANAGER = "manager", _("A manager approves")


class InstrumentStatus(models.TextChoices):
    ACTIVE = "active", _("In service")
    OUT_OF_SERVICE = "out_of_service", _("Out of service")
    RETIRED = "retired", _("Retired")


class Field(models.TextChoices):
    MATERIALS = "materials", _("Materials")
    BIOMEDICINE = "biomedicine", _("Biomedicine")
    INTEGRATED_CIRCUITS = "integrated_circuits", _("Integrated circuits")
    EQUIPMENT = "equipment_manufacturing", _("Equipment manufacturing")
    ENERGY = "energy_environment", _("Energy and environment")
    INFORMATION = "information_technology", _("Information technology")
    AI = "artificial_intelligence", _("Artificial intelligence")


class ServiceKind(models.TextChoices):
    INSTRUMENT = "instrument", _("Instrument use")
    TESTING = "testing", _("Testing")
    CONSULTING = "consulting", _("Consulting")


def _share(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{name}__gte": 0, f"{name}__lte": 1}), name=f"instrument_{name}_is_a_share"
    )


@pghistory.track(exclude=["search"])
class Instrument(Named):
    """One large instrument, or several alike that are booked as seats (`capacity`).

    `original_value` is CNY. Lengths are minutes, `horizon_days` days from now, fees shares of the
    booking's price between 0 and 1. `search` is written by `instruments.search` alone, and
    `broken_since` by the trigger that watches over the problems people report.
    """

    code = models.CharField(_("code"), max_length=40, unique=True)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="instruments")
    category = models.ForeignKey(
        Category, models.PROTECT, related_name="instruments", verbose_name=_("class")
    )
    techniques = ArrayField(
        models.CharField(max_length=120), verbose_name=_("techniques"), default=list, blank=True
    )
    field = models.CharField(_("field"), max_length=40, choices=Field)
    service_kind = models.CharField(max_length=20, choices=ServiceKind, default="instrument")
    manufacturer = models.CharField(_("manufacturer"), max_length=120, blank=True, default="")
    model = models.CharField(_("model"), max_length=200, blank=True, default="")
    country_of_origin = models.CharField(_("country"), max_length=2, blank=True, default="")
    imported = models.BooleanField(_("imported"), default=False)
    under_customs_supervision = models.BooleanField(_("under customs supervision"), default=False)
    original_value = models.DecimalField(_("original value"), max_digits=14, decimal_places=2)
    access_mode = models.CharField(_("kind of access"), max_length=20, choices=AccessMode)
    attendance = models.CharField(_("attendance"), max_length=12, choices=Attendance)
    status = models.CharField(
        _("status"), max_length=16, choices=InstrumentStatus, default=InstrumentStatus.ACTIVE
    )
    description_zh = models.TextField(_("Chinese description"), blank=True, default="")
    description_en = models.TextField(_("English description"), blank=True, default="")
    location = models.CharField(_("location"), max_length=200, blank=True, default="")
    contact = models.CharField(_("who to ask"), max_length=200, blank=True, default="")
    provenance = models.CharField(_("provenance"), max_length=120, blank=True, default="")
    is_demo = models.BooleanField(_("demo data"), default=False)

    opening_calendar = models.ForeignKey(
        OpeningCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("opening hours"),
    )
    start_calendar = models.ForeignKey(
        OpeningCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("hours in which runs may start"),
    )
    capacity = models.PositiveSmallIntegerField(_("seats"), default=1)
    granularity_minutes = models.PositiveIntegerField(_("granularity"), default=15)
    min_minutes = models.PositiveIntegerField(_("shortest booking"), default=15)
    max_minutes = models.PositiveIntegerField(_("longest booking"), default=7 * 24 * 60)
    lead_minutes = models.PositiveIntegerField(_("lead time"), default=0)
    horizon_days = models.PositiveIntegerField(_("horizon in days"), default=120)
    setup_minutes = models.PositiveIntegerField(_("set-up"), default=0)
    teardown_minutes = models.PositiveIntegerField(_("tear-down"), default=0)
    approval = models.CharField(
        _("approval"), max_length=12, choices=Approval, default=Approval.MANAGER
    )
    needs_qualification = models.BooleanField(_("needs training"), default=True)
    needs_operator = models.BooleanField(_("needs an operator"), default=False)
    operator_offset_minutes = models.PositiveIntegerField(
        _("operator comes after minutes"), default=0
    )
    operator_minutes = models.PositiveIntegerField(
        _("operator stays for minutes (empty: to the end)"), null=True, blank=True
    )
    required_level = models.PositiveSmallIntegerField(_("level of training"), default=1)
    cancel_notice_hours = models.PositiveIntegerField(_("free cancellation until"), default=24)
    late_cancel_share = models.DecimalField(
        _("late cancellation fee"), max_digits=3, decimal_places=2, default=Decimal("0.50")
    )
    no_show_share = models.DecimalField(
        _("no-show fee"), max_digits=3, decimal_places=2, default=Decimal("1.00")
    )
    no_show_grace_minutes = models.PositiveIntegerField(
        _("minutes after which nobody came"),
        null=True,
        blank=True,
        help_text=_("Who has not checked in by then is a no-show. Empty: never by itself."),
    )
    broken_since = models.DateTimeField(_("broken since"), null=True, blank=True, editable=False)
    search = SearchVectorField(null=True, editable=False)

    class Meta:
        verbose_name = _("instrument")
        verbose_name_plural = _("instruments")
        ordering = ["code"]
        indexes = [
            GinIndex(fields=["search"], name="instrument_search"),
            GinIndex(fields=["techniques"], name="instrument_techniques"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(original_value__gte=0, original_value__lt=10**12),
                name="instrument_value_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(granularity_minutes__gte=1, min_minutes__gte=1, capacity__gte=1)
                & Q(max_minutes__gte=F("min_minutes")),
                name="instrument_lengths_in_order",
            ),
            models.CheckConstraint(
                condition=Q(operator_minutes__isnull=True) | Q(operator_minutes__gte=1),
                name="instrument_operator_stays_a_while",
            ),
            models.CheckConstraint(
                condition=Q(required_level__gte=1, required_level__lte=MOST_LEVEL),
                name="instrument_required_level_known",
            ),
            _share("late_cancel_share"),
            _share("no_show_share"),
        ]

    @property
    def is_by_request(self) -> bool:
        """Whether there are no slots to pick: samples are sent in, or time is allotted."""
        return self.access_mode in BY_REQUEST
