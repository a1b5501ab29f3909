"""How a holder comes to an allotment: certificates, and applications that an office decides."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.programme import EnterpriseSize, Programme, office_regions
from billing.models.voucher import Allotment, funding_region
from billing.states import APPLICATION_TRANSITIONS, ApplicationState, pairs
from institutions.models import Institution, Membership, Role, User

HOLDERS_OFFICE = (Role.BILLING_OFFICER, Role.ADMINISTRATOR)


def _of_the_holder(user: User) -> Q:
    places = Membership.objects.filter(user=user, role__in=HOLDERS_OFFICE)
    return Q(holder__in=places.values("institution"))


class CertificateKind(models.TextChoices):
    SIZE = "size", _("Enterprise size")
    LICENCE = "licence", _("Business licence")
    HIGH_TECH = "high_tech", _("High and new technology enterprise")
    OTHER = "other", _("Other")


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def visible_to(self, user: User) -> "CertificateQuerySet":
        """The holder's office, and the offices that are asked to decide with it."""
        asked = Application.objects.visible_to(user).filter(certificates=OuterRef("pk"))
        return self.filter(_of_the_holder(user) | Exists(asked))


class Certificate(models.Model):
    """What a holder proves with a document; it counts once an office has accepted it.

    Both days are inclusive. `sha256` is that of the file, which is kept apart and never changes.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    holder = models.ForeignKey(Institution, models.PROTECT, related_name="certificates")
    kind = models.CharField(_("kind"), max_length=12, choices=CertificateKind)
    size = models.CharField(
        _("size"), max_length=10, choices=EnterpriseSize, blank=True, default=""
    )
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))
    file_name = models.CharField(_("file"), max_length=200)
    media_type = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded at"))
    is_accepted = models.BooleanField(_("accepted"), null=True, default=None)
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("valid_from")), name="certificate_dates_in_order"
            ),
            models.CheckConstraint(
                condition=Q(kind="size", size__in=EnterpriseSize.values)
                | (Q(kind__in=CertificateKind.values) & ~Q(kind="size") & Q(size="")),
                name="certificate_of_size_names_one",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="certificate_has_sha256"
            ),
            models.CheckConstraint(
                condition=Q(
                    is_accepted__isnull=True, checked_by__isnull=True, checked_at__isnull=True
                )
                | Q(is_accepted__isnull=False, checked_by__isnull=False, checked_at__isnull=False),
                name="certificate_checked_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["holder", "kind", "sha256"], name="certificate_file_once"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="certificate_says_what_it_said",
                exclude=["is_accepted", "checked_by", "checked_at"],
            ),
            pgtrigger.Protect(
                name="certificate_checked_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__is_accepted__isnull=False),
            ),
            pgtrigger.Protect(name="certificate_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference


class CertificateFile(models.Model):
    """The document itself: private, in the database with everything that hangs on it."""

    certificate = models.OneToOneField(Certificate, models.PROTECT, related_name="file")
    content: Any = models.BinaryField()

    class Meta:
        verbose_name = _("file of a certificate")
        verbose_name_plural = _("files of certificates")
        ordering = ["id"]
        triggers = [
            pgtrigger.Protect(
                name="certificate_file_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]

    def __str__(self) -> str:
        return f"{self.certificate_id}"


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, user: User) -> "ApplicationQuerySet":
        """The holder's office, and the offices of the lead region and of the one that funds."""
        offices = office_regions(user)
        return self.annotate(funding_region_id=funding_region()).filter(
            _of_the_holder(user)
            | Q(programme__lead_region__in=offices)
            | Q(funding_region_id__in=offices)
        )


class Application(models.Model):
    """A holder asks for an allotment of `amount` (CNY) for a year; an office decides once."""

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="applications")
    holder = models.ForeignKey(Institution, models.PROTECT, related_name="applications")
    year = models.PositiveSmallIntegerField(_("year"))
    amount = money_column(_("amount"))
    purpose = models.CharField(_("purpose"), max_length=500)
    certificates = models.ManyToManyField(Certificate, related_name="applications", blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ApplicationState)
    applied_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    applied_at = models.DateTimeField(_("applied at"))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    granted_amount = money_column(_("granted"), null=True, blank=True, default=None)
    allotment = models.ForeignKey(
        Allotment, models.PROTECT, null=True, blank=True, related_name="applications"
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application for an allotment")
        verbose_name_plural = _("applications for allotments")
        ordering = ["-applied_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "holder", "year"],
                condition=Q(state="applied"),
                name="application_one_open",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lt=TOO_MUCH), name="application_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="applied",
                    decided_by__isnull=True,
                    decided_at__isnull=True,
                    granted_amount__isnull=True,
                    allotment__isnull=True,
                )
                | Q(
                    state="granted",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    granted_amount__gt=0,
                    granted_amount__lt=TOO_MUCH,
                    allotment__isnull=False,
                )
                | Q(
                    state__in=["declined", "withdrawn"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    granted_amount__isnull=True,
                    allotment__isnull=True,
                ),
                name="application_decided_whole",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="application_state_table",
                field="state",
                transitions=pairs(APPLICATION_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="application_starts_applied",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="applied"),
            ),
            pgtrigger.Protect(
                name="application_decided_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state="applied"),
            ),
            pgtrigger.ReadOnly(
                name="application_asks_what_it_asked",
                fields=[
                    "reference",
                    "programme",
                    "holder",
                    "year",
                    "amount",
                    "purpose",
                    "applied_by",
                    "applied_at",
                ],
            ),
            pgtrigger.Protect(name="application_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference
