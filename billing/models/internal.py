"""Internal transfers handed to an institution's own finance system, each of them once."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.charge import Charge
from billing.models.columns import only_with_its_parent, says_its_transaction, written_in_column
from institutions.models import Institution, Membership, Role, User

_ITS_OWN_TRANSFERS = """
    IF NOT EXISTS (
        SELECT FROM billing_charge AS charge
        JOIN billing_internalexport AS export ON export.id = NEW.export_id
        WHERE charge.id = NEW.charge_id
          AND charge.state = 'transferred'
          AND charge.provider_id = export.institution_id
    ) THEN
        RAISE EXCEPTION 'charge % is no internal transfer of this institution', NEW.charge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'internal_export_its_own_transfers';
    END IF;
    RETURN NEW;
"""


class InternalExportQuerySet(models.QuerySet["InternalExport"]):
    def visible_to(self, user: User) -> "InternalExportQuerySet":
        """The institution's billing office."""
        offices = Membership.objects.filter(
            user=user, role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR]
        )
        return self.filter(institution__in=offices.values("institution"))


class InternalExport(models.Model):
    """One file for the finance system. `number` counts up from 1 within the institution.

    `fund_numbers` are those that its projects had, by the project's id as text: the file is the
    same whenever it is fetched again.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="internal_exports")
    number = models.PositiveIntegerField(_("number"))
    fund_numbers = models.JSONField(_("fund numbers"), default=dict, editable=False)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    written_in = written_in_column()

    objects = InternalExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export of internal transfers")
        verbose_name_plural = _("exports of internal transfers")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "number"], name="internal_export_numbered"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="internal_export_from_one"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="internal_export_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            says_its_transaction("internal_export_says_its_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id}-{self.number}"


class InternalExportLine(models.Model):
    """A transfer that stands in an export; it can stand in one only."""

    export = models.ForeignKey(InternalExport, models.PROTECT, related_name="lines")
    charge = models.OneToOneField(Charge, models.PROTECT, related_name="export_line")

    class Meta:
        verbose_name = _("exported transfer")
        verbose_name_plural = _("exported transfers")
        ordering = ["id"]
        triggers = [
            pgtrigger.Protect(
                name="internal_export_line_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            only_with_its_parent(
                "internal_export_line_with_its_export",
                table="billing_internalexport",
                column="export_id",
            ),
            pgtrigger.Trigger(
                name="internal_export_line_its_own",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_ITS_OWN_TRANSFERS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.export_id}: {self.charge_id}"
