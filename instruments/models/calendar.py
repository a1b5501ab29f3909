"""When instruments are open. The weekly hours are django-scheduler's rows."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OpeningCalendar(models.Model):
    """A named set of opening hours that any number of instruments share.

    Hours are the events of the django-scheduler calendar with the same `slug`, meant in
    `timezone`; only `instruments.calendars` reads and writes them. With `holiday_country`
    (ISO 3166 alpha-2) public holidays of that country are closed.
    """

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(_("time zone"), max_length=50, default="Asia/Shanghai")
    holiday_country = models.CharField(
        _("public holidays of"), max_length=2, blank=True, default=""
    )

    class Meta:
        verbose_name = _("opening calendar")
        verbose_name_plural = _("opening calendars")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name
