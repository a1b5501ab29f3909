"""Voucher programmes and their dated, versioned terms: rules are data."""

import pghistory
import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField, DateRangeField
from django.db import models
from django.db.models import Exists, F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from bookings.till import BEST
from institutions.models import Membership, Region, Role, User
from institutions.models.names import Named

# What a programme is called in addresses, files and requests.
CODE = "[A-Za-z0-9][A-Za-z0-9_-]{0,19}"
# The first asks for the best of all programmes, the second is a page's address.
RESERVED_CODES = frozenset({BEST, "new"})
# What a voucher was promised by stays as it was; only its last day may be moved, for a successor.
_USED_TERMS_STAY = """
    IF EXISTS (SELECT 1 FROM billing_redemption WHERE terms_id = OLD.id) THEN
        RAISE EXCEPTION 'terms % are used by redemptions', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_used_stay';
    END IF;
    RETURN NEW;
"""


class Settlement(models.TextChoices):
    NET = "net", _("Net: the institution claims the voucher")
    REIMBURSE = "reimburse", _("Reimburse: the payer claims the voucher after paying")


class EnterpriseSize(models.TextChoices):
    """The classes of the national standard for small and medium enterprises."""

    MICRO = "micro", _("Micro enterprise")
    SMALL = "small", _("Small enterprise")
    MEDIUM = "medium", _("Medium enterprise")
    LARGE = "large", _("Large enterprise")


class CapPer(models.TextChoices):
    HOLDER = "holder", _("each holder")
    GROUP = "group", _("each controlling group")


class Evidence(models.TextChoices):
    """What an office may want to see before it settles a claim."""

    CONTRACT = "contract", _("Contract")
    BOOKING = "booking", _("Booking")
    USAGE = "usage", _("Record of use")
    RESULT_REPORT = "result_report", _("Result report")
    STATEMENT = "statement", _("Statement")
    FAPIAO = "fapiao", _("Fapiao")
    PAYMENT = "payment", _("Payment")


def office_regions(user: User) -> models.QuerySet:
    """The regions whose programme office `user` belongs to: that of the office, no other."""
    places = Membership.objects.filter(user=user, role=Role.PROGRAMME_OFFICER)
    return places.values("institution__region")


class ProgrammeQuerySet(models.QuerySet["Programme"]):
    def visible_to(self, user: User) -> "ProgrammeQuerySet":
        """Everybody sees every programme, for the rules are public; but a programme officer those
        that his office's region leads or funds, and those that his institutions hold."""
        memberships = Membership.objects.filter(user=user)
        offices = office_regions(user)
        funded = Programme.objects.filter(pools__funding_region__in=offices)
        owned = Programme.objects.filter(allotments__holder__in=memberships.values("institution"))
        return self.filter(
            ~Exists(memberships.filter(role=Role.PROGRAMME_OFFICER))
            | Q(lead_region__in=offices)
            | Q(pk__in=funded.values("pk"))
            | Q(pk__in=owned.values("pk"))
        )


@pghistory.track()
class Programme(Named):
    """A voucher programme, led by the office of `lead_region`. Its rules are its terms."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    lead_region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    is_demo = models.BooleanField(_("demo data"), default=False)

    objects = ProgrammeQuerySet.as_manager()

    class Meta:
        verbose_name = _("voucher programme")
        verbose_name_plural = _("voucher programmes")
        ordering = ["code"]


@pghistory.track()
class ProgrammeTerms(models.Model):
    """One version of a programme's rules, for service that starts on the days of its validity.

    `valid_from` and `valid_until` are both inclusive, in the provider's zone. `rate` is the share
    of the eligible gross that is paid; caps are CNY. Regions contain their descendants.
    `enterprise_sizes` asks for a valid certificate of one of these sizes, unless it is empty;
    `admitted_only` for an admission of the provider. `cap_per` says whose use the yearly cap
    counts. `claim_within_days` counts from the day on which the use ends.
    """

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="terms")
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    holder_regions = models.ManyToManyField(Region, related_name="+")
    provider_regions = models.ManyToManyField(Region, related_name="+")
    cross_city_required = models.BooleanField(_("only across cities"), default=False)
    holder_kinds = ArrayField(models.CharField(max_length=20))
    service_kinds = ArrayField(models.CharField(max_length=20))
    rate = models.DecimalField(_("rate"), max_digits=5, decimal_places=4)
    per_booking_cap = money_column(_("cap per booking"), null=True, blank=True, default=None)
    annual_cap = money_column(_("cap per year"), null=True, blank=True, default=None)
    settlement = models.CharField(_("settlement"), max_length=10, choices=Settlement)
    excludes_related_parties = models.BooleanField(_("excludes related parties"), default=True)
    admitted_only = models.BooleanField(_("only admitted providers"), default=False)
    enterprise_sizes = ArrayField(
        models.CharField(max_length=10, choices=EnterpriseSize), default=list, blank=True
    )
    cap_per = models.CharField(
        _("the yearly cap counts for"), max_length=10, choices=CapPer, default=CapPer.HOLDER
    )
    needs_order_number = models.BooleanField(
        _("needs an order number of the official platform"), default=False
    )
    claim_within_days = models.PositiveSmallIntegerField(
        _("days to claim after the use"), null=True, blank=True
    )
    evidence = ArrayField(
        models.CharField(max_length=20, choices=Evidence), default=list, blank=True
    )
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))

    class Meta:
        verbose_name = _("programme terms")
        verbose_name_plural = _("programme terms")
        ordering = ["programme", "version"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "version"], name="terms_version_once"),
            models.CheckConstraint(condition=Q(rate__gt=0, rate__lte=1), name="terms_rate_a_share"),
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("valid_from")), name="terms_dates_in_order"
            ),
            models.CheckConstraint(
                condition=(
                    Q(per_booking_cap__isnull=True)
                    | Q(per_booking_cap__gt=0, per_booking_cap__lt=TOO_MUCH)
                )
                & (Q(annual_cap__isnull=True) | Q(annual_cap__gt=0, annual_cap__lt=TOO_MUCH)),
                name="terms_caps_positive",
            ),
            models.CheckConstraint(
                condition=Q(cap_per__in=CapPer.values)
                & Q(enterprise_sizes__contained_by=EnterpriseSize.values)
                & Q(evidence__contained_by=Evidence.values),
                name="terms_words_known",
            ),
            models.CheckConstraint(
                condition=Q(claim_within_days__isnull=True)
                | Q(claim_within_days__gte=1, claim_within_days__lte=1000),
                name="terms_time_to_claim",
            ),
            # A cap that is counted for a group is one that there is.
            models.CheckConstraint(
                condition=Q(cap_per="holder") | Q(annual_cap__isnull=False),
                name="terms_group_has_cap",
            ),
            ExclusionConstraint(
                name="terms_no_overlap",
                expressions=[
                    (
                        Func(
                            F("programme_id"),
                            F("programme_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_until"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="terms_used_stay",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(exclude=["valid_until"]),
                func=_USED_TERMS_STAY,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} v{self.version}"
