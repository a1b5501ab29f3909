"""Administrative divisions and the alliances that they form."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from institutions.models.names import Named


class RegionLevel(models.TextChoices):
    COUNTRY = "country", _("Country")
    PROVINCE = "province", _("Province")
    CITY = "city", _("City")
    DISTRICT = "district", _("District")


class Region(Named):
    """A division by its six digits of GB/T 2260. A region contains its descendants."""

    code = models.CharField(_("code"), max_length=6, unique=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    level = models.CharField(_("level"), max_length=10, choices=RegionLevel)
    # Codes from the root down to this one, so that 'contains' is one array test in SQL.
    lineage = ArrayField(models.CharField(max_length=6), editable=False)
    # The ancestor (or self) at city level: 'the other city' compares this.
    city = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["code"]
        indexes = [GinIndex(fields=["lineage"], name="region_lineage")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(code__regex=r"^[0-9]{6}$"), name="region_code_six_digits"
            ),
        ]

    def is_within(self, code: str) -> bool:
        """Whether the region with `code` contains this one (or is it)."""
        return code in self.lineage


class Alliance(Named):
    """A named set of regions, such as two twin cities or the whole delta."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    regions = models.ManyToManyField(Region, verbose_name=_("regions"), related_name="alliances")

    class Meta:
        verbose_name = _("alliance")
        verbose_name_plural = _("alliances")
        ordering = ["code"]
