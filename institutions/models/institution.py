"""Institutions: owners of instruments, payers, holders of vouchers."""

from typing import Any

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from institutions.models.names import Named
from institutions.models.region import Region


class InstitutionKind(models.TextChoices):
    UNIVERSITY = "university", _("University")
    INSTITUTE = "institute", _("Research institute")
    NATIONAL_LAB = "national_lab", _("National laboratory")
    NATIONAL_FACILITY = "national_facility", _("National facility")
    INNOVATION_CENTRE = "innovation_centre", _("Innovation centre")
    PUBLIC_PLATFORM = "public_platform", _("Public platform")
    ENTERPRISE = "enterprise", _("Enterprise")
    FOREIGN_RD_CENTRE = "foreign_rd_centre", _("Foreign R&D centre")


@pghistory.track()
class Institution(Named):
    """An organisation. Its registered `region` decides every voucher question.

    `lineage` holds the codes from the top of its tree down to itself; two institutions of the
    same tree share the first. Its VAT rate is dated: `VatRate`.
    """

    code = models.CharField(_("code"), max_length=20, unique=True)
    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("region"))
    kind = models.CharField(_("kind"), max_length=20, choices=InstitutionKind)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    lineage = ArrayField(models.CharField(max_length=20), editable=False)
    credit_code = models.CharField(
        _("unified social credit code"), max_length=18, blank=True, default=""
    )
    timezone = models.CharField(_("time zone"), max_length=50, default="Asia/Shanghai")
    address = models.CharField(_("address"), max_length=300, blank=True, default="")
    phone = models.CharField(_("telephone"), max_length=40, blank=True, default="")
    bank_name = models.CharField(_("bank"), max_length=200, blank=True, default="")
    bank_account = models.CharField(_("bank account"), max_length=40, blank=True, default="")
    provenance = models.CharField(_("provenance"), max_length=300, blank=True, default="")
    is_demo = models.BooleanField(_("demo data"), default=False)

    class Meta:
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")
        ordering = ["code"]
        indexes = [GinIndex(fields=["lineage"], name="institution_lineage")]
        constraints = [
            models.UniqueConstraint(
                fields=["credit_code"],
                condition=~models.Q(credit_code=""),
                name="institution_credit_code_unique",
            ),
        ]

    def is_same_tree_as(self, other: "Institution") -> bool:
        return self.lineage[0] == other.lineage[0]


def _office_codes(user: Any) -> list[str]:
    """The regions whose programme office `user` belongs to."""
    places = user.memberships.filter(role="programme_officer")
    return list(places.values_list("institution__region__code", flat=True))


class ControllingGroupQuerySet(models.QuerySet["ControllingGroup"]):
    def visible_to(self, user: Any) -> "ControllingGroupQuerySet":
        """A programme office sees those with a member that is registered in its region."""
        if user.is_superuser:
            return self
        codes = _office_codes(user)
        return self.filter(members__institution__region__lineage__overlap=codes).distinct()


@pghistory.track()
class ControllingGroup(Named):
    """Institutions that one hand controls: a programme may count its cap for all of them."""

    objects = ControllingGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("controlling group")
        verbose_name_plural = _("controlling groups")
        ordering = ["pk"]


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class GroupMember(models.Model):
    """An institution is in one controlling group at most."""

    group = models.ForeignKey(ControllingGroup, models.CASCADE, related_name="members")
    institution = models.ForeignKey(Institution, models.CASCADE, related_name="group_place")

    class Meta:
        verbose_name = _("member of a controlling group")
        verbose_name_plural = _("members of controlling groups")
        ordering = ["group_id", "institution__code"]
        constraints = [
            models.UniqueConstraint(fields=["institution"], name="group_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} {self.institution_id}"


class RelatedPartyQuerySet(models.QuerySet["RelatedParty"]):
    def visible_to(self, user: Any) -> "RelatedPartyQuerySet":
        """A programme office sees the ties of those that are registered in its region."""
        if user.is_superuser:
            return self
        codes = _office_codes(user)
        return self.filter(
            models.Q(a__region__lineage__overlap=codes)
            | models.Q(b__region__lineage__overlap=codes)
        )


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class RelatedParty(models.Model):
    """Two institutions between which vouchers that exclude related parties pay nothing."""

    a = models.ForeignKey(Institution, models.CASCADE, related_name="+")
    b = models.ForeignKey(Institution, models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=100)

    objects = RelatedPartyQuerySet.as_manager()

    class Meta:
        verbose_name = _("related party")
        verbose_name_plural = _("related parties")
        constraints = [
            models.UniqueConstraint(fields=["a", "b"], name="related_party_once"),
            models.CheckConstraint(
                condition=models.Q(a__lt=models.F("b")), name="related_party_ordered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.a} – {self.b}"
