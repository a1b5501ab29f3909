"""Prices that a payer has by contract: proposed by one, approved by another, dated."""

import datetime
from typing import TYPE_CHECKING

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from billing.states import CONTRACT_TRANSITIONS, ContractState, pairs
from institutions.models import Institution, Membership, Role
from instruments.models import Instrument, PriceTerms

if TYPE_CHECKING:
    from institutions.models import User

# What may change after it is written: the state with who decided when, and an earlier end.
_MOVES = ("state", "decided_by", "decided_at", "valid")


def _id_range(column: str) -> Func:
    return Func(
        F(column), F(column), Value("[]"), function="int8range", output_field=BigIntegerRangeField()
    )


class ContractPriceQuerySet(models.QuerySet["ContractPrice"]):
    def visible_to(self, user: "User") -> "ContractPriceQuerySet":
        """The billing offices of both parties, and the facility's managers."""
        of_user = Membership.objects.filter(user=user)
        offices = of_user.filter(role__in=[Role.BILLING_OFFICER, Role.ADMINISTRATOR])
        managed = of_user.filter(role=Role.FACILITY_MANAGER)
        return self.filter(
            Q(payer__in=offices.values("institution"))
            | Q(instrument__institution__in=offices.values("institution"))
            | Q(instrument__institution__in=managed.values("institution"))
        )


@pghistory.track()
class ContractPrice(PriceTerms):
    """What one payer pays on one instrument instead of the published price, on the days of
    `valid`, half-open, of the provider's zone.

    It counts once it is approved, by somebody else than who proposed it.
    """

    reference = models.CharField(_("reference"), max_length=16, unique=True)
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="contract_prices")
    payer = models.ForeignKey(Institution, models.PROTECT, related_name="contract_prices")
    contract_number = models.CharField(_("contract"), max_length=60)
    valid = DateRangeField(_("valid"))
    state = models.CharField(_("state"), max_length=10, choices=ContractState)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    objects = ContractPriceQuerySet.as_manager()

    class Meta(PriceTerms.Meta):
        abstract = False
        verbose_name = _("contract price")
        verbose_name_plural = _("contract prices")
        ordering = ["-proposed_at", "-id"]
        constraints = [
            *PriceTerms.Meta.constraints,
            ExclusionConstraint(
                name="contractprice_no_overlap",
                expressions=[
                    (_id_range("instrument_id"), RangeOperators.OVERLAPS),
                    (_id_range("payer_id"), RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=Q(state="approved"),
            ),
            models.CheckConstraint(
                condition=Q(
                    valid__isempty=False,
                    valid__startswith__isnull=False,
                    valid__endswith__isnull=False,
                ),
                name="contractprice_valid_finite",
            ),
            models.CheckConstraint(
                condition=~Q(contract_number=""), name="contractprice_names_its_contract"
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True, decided_at__isnull=True)
                | Q(
                    ~Q(state="proposed"),
                    ~Q(decided_by=F("proposed_by")),
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="contractprice_four_eyes",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="contractprice_state_table",
                field="state",
                transitions=pairs(CONTRACT_TRANSITIONS),
            ),
            pgtrigger.Protect(
                name="contractprice_starts_proposed",
                operation=pgtrigger.Insert,
                condition=~pgtrigger.Q(new__state="proposed"),
            ),
            pgtrigger.ReadOnly(name="contractprice_terms_stay", exclude=list(_MOVES)),
            pgtrigger.Protect(
                name="contractprice_only_ends_earlier",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NOT (NEW.valid <@ OLD.valid AND lower(NEW.valid) = lower(OLD.valid))"
                ),
            ),
            pgtrigger.Protect(name="contractprice_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def last_day(self) -> datetime.date:
        """The last day on which it is valid."""
        return self.valid.upper - datetime.timedelta(days=1)
