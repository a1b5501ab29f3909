"""Hours that are paid for ahead, or granted at no price by a funder, and what draws on them."""

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.hour_guards import LAPSES_WHEN_OVER, draws_add_up
from billing.states import DRAW_TRANSITIONS, DrawState, pairs
from bookings.models import Booking
from institutions.models import Institution, Membership, Project, Role
from instruments.models import Instrument

if TYPE_CHECKING:
    from institutions.models import User

# A thousand years of one instrument: more is a slip of the pen.
MOST_MINUTES = 600_000_000


class HourKind(models.TextChoices):
    PREPAID = "prepaid", _("Paid ahead")
    GRANTED = "granted", _("Granted")


class HourPackageQuerySet(models.QuerySet["HourPackage"]):
    def visible_to(self, user: "User") -> "HourPackageQuerySet":
        """The billing offices of both parties, the facility's managers, and the people of the
        project that a package is for."""
        of_user = Membership.objects.filter(user=user)
        offices = of_user.filter(role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR])
        managed = of_user.filter(role=Role.FACILITY_MANAGER)
        theirs = Project.objects.bookable_by(user)
        of_nobody = Q(project__isnull=True, payer__in=theirs.values("institution"))
        return self.filter(
            Q(payer__in=offices.values("institution"))
            | Q(provider__in=offices.values("institution"))
            | Q(provider__in=managed.values("institution"))
            | Q(project__in=theirs.values("pk"))
            | of_nobody
        )


@pghistory.track(exclude=["held_minutes", "used_minutes", "available_minutes"])
class HourPackage(models.Model):
    """So many minutes at one provider for one payer, or for one of its projects.

    Without an `instrument` they are good on all of the provider's. `valid` are days of the
    provider's zone, half-open; the day on which a booking starts counts. `price` is CNY, VAT
    included; granted hours have none, and name their `funder`. Held from the booking on, used
    with the charge: `minutes = available + held + used`, none below zero. What nobody has used
    when they are over lapses: `lapsed_value` is the part of the price that it was, CNY.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=HourKind)
    provider = models.ForeignKey(Institution, models.PROTECT, related_name="hours_sold")
    payer = models.ForeignKey(Institution, models.PROTECT, related_name="hours_bought")
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, blank=True, related_name="hour_packages"
    )
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="hour_packages"
    )
    funder = models.CharField(_("funder"), max_length=200, blank=True, default="")
    minutes = models.PositiveIntegerField(_("minutes"))
    held_minutes = models.IntegerField(_("held"), default=0, editable=False)
    used_minutes = models.IntegerField(_("used"), default=0, editable=False)
    available_minutes = models.GeneratedField(
        expression=F("minutes") - F("held_minutes") - F("used_minutes"),
        output_field=models.IntegerField(),
        db_persist=True,
        verbose_name=_("available"),
    )
    price = money_column(_("price"))
    vat_rate = models.DecimalField(_("VAT rate"), max_digits=4, decimal_places=3)
    valid = DateRangeField(_("valid"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created at"))
    lapsed_at = models.DateTimeField(_("lapsed at"), null=True, blank=True, editable=False)
    lapsed_value = money_column(_("lapsed value"), null=True, default=None, editable=False)

    objects = HourPackageQuerySet.as_manager()

    class Meta:
        verbose_name = _("package of hours")
        verbose_name_plural = _("packages of hours")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["payer", "provider"], name="hour_package_whose")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    minutes__gt=0,
                    minutes__lt=MOST_MINUTES,
                    held_minutes__gte=0,
                    used_minutes__gte=0,
                ),
                name="hour_package_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=F("held_minutes") + F("used_minutes")),
                name="hour_package_within_minutes",
            ),
            models.CheckConstraint(
                condition=Q(
                    ~Q(payer=F("provider")),
                    kind="prepaid",
                    funder="",
                    price__gt=0,
                    price__lt=TOO_MUCH,
                )
                | Q(~Q(funder=""), kind="granted", price=0),
                name="hour_package_paid_or_funded",
            ),
            models.CheckConstraint(
                condition=Q(vat_rate__gte=0, vat_rate__lt=1), name="hour_package_vat_rate_a_share"
            ),
            models.CheckConstraint(
                condition=Q(
                    valid__isempty=False,
                    valid__startswith__isnull=False,
                    valid__endswith__isnull=False,
                ),
                name="hour_package_valid_finite",
            ),
            models.CheckConstraint(
                condition=Q(lapsed_at__isnull=True, lapsed_value__isnull=True)
                | Q(
                    lapsed_at__isnull=False,
                    lapsed_value__isnull=False,
                    lapsed_value__gte=0,
                    held_minutes=0,
                ),
                name="hour_package_lapses_without_holds",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="hour_package_terms_stay",
                exclude=[
                    "held_minutes",
                    "used_minutes",
                    "available_minutes",
                    "lapsed_at",
                    "lapsed_value",
                ],
            ),
            pgtrigger.Protect(
                name="hour_package_lapsed_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__lapsed_at__isnull=False),
            ),
            pgtrigger.Trigger(
                name="hour_package_lapses_when_over",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=LAPSES_WHEN_OVER,
            ),
            pgtrigger.Protect(name="hour_package_never_deleted", operation=pgtrigger.Delete),
            draws_add_up("hour_package_draws_add_up", "NEW.id"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def last_day(self) -> datetime.date:
        """The last day on which a booking that draws on it may start."""
        return self.valid.upper - datetime.timedelta(days=1)

    @property
    def hours(self) -> Decimal:
        return in_hours(self.minutes)

    @property
    def held_hours(self) -> Decimal:
        return in_hours(self.held_minutes)

    @property
    def used_hours(self) -> Decimal:
        return in_hours(self.used_minutes)

    @property
    def available_hours(self) -> Decimal:
        return in_hours(self.available_minutes)


def in_hours(minutes: int) -> Decimal:
    """Hours with two places, for people; sums are kept in whole minutes."""
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"))


class HourDraw(models.Model):
    """What one booking draws from a package: held, then used or released. Amounts never change;
    the used one is set once. `value` is the part of the package's price that was used, CNY. What
    was used is `returned` when its charge is taken back; what stays used is drawn anew."""

    package = models.ForeignKey(HourPackage, models.PROTECT, related_name="draws")
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="hour_draws")
    state = models.CharField(_("state"), max_length=8, choices=DrawState)
    held_minutes = models.PositiveIntegerField(_("held"))
    used_minutes = models.PositiveIntegerField(_("used"), null=True, blank=True)
    value = money_column(_("value"), null=True, default=None)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("hours drawn")
        verbose_name_plural = _("hours drawn")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["package", "booking"],
                condition=Q(state__in=["held", "used"]),
                name="hour_draw_one_standing",
            ),
            models.CheckConstraint(
                condition=Q(held_minutes__gt=0, held_minutes__lt=MOST_MINUTES),
                name="hour_draw_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["used", "returned"],
                    used_minutes__isnull=False,
                    used_minutes__gt=0,
                    used_minutes__lte=F("held_minutes"),
                    value__isnull=False,
                    value__gte=0,
                    value__lt=TOO_MUCH,
                )
                | Q(state__in=["held", "released"], used_minutes__isnull=True, value__isnull=True),
                name="hour_draw_used_has_amount",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="hour_draw_state_table", field="state", transitions=pairs(DRAW_TRANSITIONS)
            ),
            pgtrigger.Protect(
                name="hour_draw_starts_held",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="held"),
            ),
            pgtrigger.ReadOnly(
                name="hour_draw_amounts_stay", exclude=["state", "used_minutes", "value"]
            ),
            pgtrigger.Protect(
                name="hour_draw_used_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=["released", "returned"])
                | pgtrigger.Q(old__state="used") & ~pgtrigger.Q(new__state="returned")
                | pgtrigger.Q(old__used_minutes__df=pgtrigger.F("new__used_minutes"))
                & pgtrigger.Q(old__state="used")
                | pgtrigger.Q(old__value__df=pgtrigger.F("new__value"))
                & pgtrigger.Q(old__state="used"),
            ),
            pgtrigger.Protect(name="hour_draw_never_deleted", operation=pgtrigger.Delete),
            draws_add_up("hour_draw_draws_add_up", "NEW.package_id"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.held_minutes}"
