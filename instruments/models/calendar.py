"""Opening hours that instruments share: when they may be used, or when uses may start."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, IntegerRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, User

MINUTES_A_DAY = 24 * 60


class OpeningCalendarQuerySet(models.QuerySet["OpeningCalendar"]):
    def visible_to(self, user: User) -> "OpeningCalendarQuerySet":
        """All of them: opening hours are as public as free and busy times are."""
        return self.filter(pk__isnull=False) if user.is_active else self.none()

    def usable_at(self, institution: Institution | int) -> "OpeningCalendarQuerySet":
        """Those that the institution's instruments may have: its own and the standard ones."""
        return self.filter(Q(institution=institution) | Q(institution=None))


class OpeningCalendar(models.Model):
    """A named set of opening hours that any number of instruments share.

    Hours are the events of the django-scheduler calendar with the same `slug`, meant in
    `timezone`; only `instruments.calendars` reads and writes them. With `holiday_country`
    (ISO 3166 alpha-2) public holidays of that country are closed; with `makeup_days` the weekend
    days that are worked in their stead have the hours of the day that they make up for. Without
    an `institution` it is a standard calendar, which every institution may use.
    """

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    institution = models.ForeignKey(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="opening_calendars",
        verbose_name=_("institution"),
    )
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True, default="")
    timezone = models.CharField(_("time zone"), max_length=50, default="Asia/Shanghai")
    holiday_country = models.CharField(
        _("public holidays of"), max_length=2, blank=True, default=""
    )
    makeup_days = models.BooleanField(_("works on make-up days"), default=False)

    objects = OpeningCalendarQuerySet.as_manager()

    class Meta:
        verbose_name = _("opening calendar")
        verbose_name_plural = _("opening calendars")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the language that is active now; standard names are in the catalogue."""
        chinese = (get_language() or "zh").startswith("zh")
        return (self.name_zh if chinese else "") or gettext(self.name)


def _as_range(*bounds: object, function: str, output: models.Field) -> Func:
    return Func(*bounds, function=function, output_field=output)


class OpeningException(models.Model):
    """Other hours than usual, or none, on each day from `first_on` to `last_on` (inclusive).

    `opens` and `closes` are minutes after midnight by the clock on the wall of the calendar's
    zone; `closes` is above 1440 where the hours end on the next day. Both are empty on closed
    days. On its days an exception stands in place of the weekly hours and public holidays;
    several with hours add up, so the database only refuses those that contradict each other.
    """

    calendar = models.ForeignKey(OpeningCalendar, models.CASCADE, related_name="exceptions")
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    opens = models.PositiveSmallIntegerField(_("opens"), null=True, blank=True)
    closes = models.PositiveSmallIntegerField(_("closes"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("opening exception")
        verbose_name_plural = _("opening exceptions")
        ordering = ["first_on", "opens", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_on__gte=F("first_on")), name="opening_exception_days_in_order"
            ),
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True)
                | Q(
                    opens__isnull=False,
                    closes__isnull=False,
                    opens__lt=MINUTES_A_DAY,
                    closes__gt=F("opens"),
                    closes__lte=F("opens") + MINUTES_A_DAY,
                ),
                name="opening_exception_hours_in_order",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="opening_exception_has_reason"),
            # A closed day covers every minute, so it excludes hours on the same day as well.
            ExclusionConstraint(
                name="opening_exception_no_overlap",
                expressions=[
                    (
                        _as_range(
                            F("calendar_id"),
                            F("calendar_id"),
                            Value("[]"),
                            function="int8range",
                            output=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        _as_range(
                            F("first_on"),
                            F("last_on"),
                            Value("[]"),
                            function="daterange",
                            output=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        _as_range(
                            Coalesce(F("opens"), Value(0), output_field=models.IntegerField()),
                            Coalesce(
                                F("closes"),
                                Value(2 * MINUTES_A_DAY),
                                output_field=models.IntegerField(),
                            ),
                            function="int4range",
                            output=IntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_on}–{self.last_on} · {self.reason}"

    @property
    def is_closed(self) -> bool:
        return self.opens is None
