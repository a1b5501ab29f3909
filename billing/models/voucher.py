"""Voucher money: pools of the funding regions, allotments of the holders."""

from collections.abc import Collection

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Func, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from billing.models.columns import TOO_MUCH, money_column
from billing.models.programme import Programme, office_regions
from institutions.models import GroupMember, Institution, Membership, Region, User


class PoolQuerySet(models.QuerySet["Pool"]):
    def visible_to(self, user: User) -> "PoolQuerySet":
        """The lead region's office sees every pool, a funding region's office its own."""
        offices = office_regions(user)
        return self.filter(Q(programme__lead_region__in=offices) | Q(funding_region__in=offices))


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(condition=pghistory.AnyChange("amount"))
)
class Pool(models.Model):
    """What one city or district pays for its own holders in a year.

    `committed` is the sum of its redemptions that are held or beyond, in CNY.
    """

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="pools")
    funding_region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"))
    amount = money_column(_("amount"))
    committed = money_column(_("committed"), editable=False)

    objects = PoolQuerySet.as_manager()

    class Meta:
        verbose_name = _("pool")
        verbose_name_plural = _("pools")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "funding_region", "year"], name="pool_once"
            ),
            models.CheckConstraint(
                condition=Q(committed__gte=0, amount__lt=TOO_MUCH), name="pool_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(committed__lte=F("amount")), name="pool_within_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.funding_region_id} {self.year}"


def funding_region() -> Subquery:
    """Of rows with a programme, holder and year: the smallest region with a pool that contains
    the holder."""
    pools = Pool.objects.filter(programme=OuterRef("programme"), year=OuterRef("year"))
    depth = Func(
        OuterRef("holder__region__lineage"),
        F("funding_region__code"),
        function="array_position",
        output_field=models.IntegerField(),
    )
    nearest = pools.annotate(depth=depth).filter(depth__isnull=False).order_by("-depth")
    return Subquery(nearest.values("funding_region")[:1])


class AllotmentQuerySet(models.QuerySet["Allotment"]):
    def with_funding_region(self) -> "AllotmentQuerySet":
        """`funding_region_id`: who pays for it, see `funding_region`."""
        return self.annotate(funding_region_id=funding_region())

    def counted_with(self, holders: Collection[int]) -> "AllotmentQuerySet":
        """Those of `holders`, and of everybody in a controlling group with one of them, each with
        its `group_id`: a programme may count its yearly cap for the whole group."""
        groups = GroupMember.objects.filter(institution__in=holders).values("group")
        return self.filter(
            Q(holder__in=holders) | Q(holder__group_place__group__in=groups)
        ).annotate(group_id=F("holder__group_place__group"))

    def visible_to(self, user: User) -> "AllotmentQuerySet":
        """The holder's people, and the offices of the lead region and of the funding one."""
        places = Membership.objects.filter(user=user).values("institution")
        offices = office_regions(user)
        return self.with_funding_region().filter(
            Q(holder__in=places)
            | Q(programme__lead_region__in=offices)
            | Q(funding_region_id__in=offices)
        )


# By whichever of the year's versions leaves most: what was promised outlives later rules.
_WITHIN_THE_GROUPS_CAP = """
    IF TG_OP = 'UPDATE' AND
       NEW.held + NEW.captured + NEW.claimed + NEW.settled
       <= OLD.held + OLD.captured + OLD.claimed + OLD.settled
    THEN
        RETURN NULL;
    END IF;
    SELECT MAX(COALESCE(annual_cap, 'Infinity'::NUMERIC)) INTO most FROM billing_programmeterms
    WHERE programme_id = NEW.programme_id
    AND EXTRACT(YEAR FROM valid_from) <= NEW.year AND EXTRACT(YEAR FROM valid_until) >= NEW.year
    HAVING BOOL_AND(cap_per = 'group');
    SELECT SUM(a.held + a.captured + a.claimed + a.settled) INTO used
    FROM billing_allotment a
    JOIN institutions_groupmember m ON m.institution_id = a.holder_id
    JOIN institutions_groupmember own ON own.group_id = m.group_id
    WHERE own.institution_id = NEW.holder_id
    AND a.programme_id = NEW.programme_id AND a.year = NEW.year;
    IF used > most THEN
        RAISE EXCEPTION 'the controlling group of allotment % uses % of at most %',
            NEW.id, used, most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allotment_within_groups_cap';
    END IF;
    RETURN NULL;
"""


class Allotment(models.Model):
    """What a holder may spend of a programme in a year, in CNY.

    `cap = available + held + captured + claimed + settled`, none below zero; `available` is
    computed by the database. Approved redemptions count as claimed, returned ones as captured.
    While it is suspended nothing new is held; what is held or captured goes its way. It ends with
    its year by itself: a booking draws on the allotment of the year in which it starts.
    """

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="allotments")
    holder = models.ForeignKey(Institution, models.PROTECT, related_name="allotments")
    year = models.PositiveSmallIntegerField(_("year"))
    cap = money_column(_("cap"))
    held = money_column(_("held"), editable=False)
    captured = money_column(_("captured"), editable=False)
    claimed = money_column(_("claimed"), editable=False)
    settled = money_column(_("settled"), editable=False)
    available = models.GeneratedField(
        expression=F("cap") - F("held") - F("captured") - F("claimed") - F("settled"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
        verbose_name=_("available"),
    )
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True, editable=False)

    # Of `counted_with`: the controlling group of the holder, if it is in one.
    group_id: int | None
    objects = AllotmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("allotment")
        verbose_name_plural = _("allotments")
        ordering = ["programme__code", "holder__code", "year"]
        constraints = [
            models.UniqueConstraint(fields=["programme", "holder", "year"], name="allotment_once"),
            models.CheckConstraint(
                condition=Q(
                    cap__gte=0,
                    cap__lt=TOO_MUCH,
                    held__gte=0,
                    captured__gte=0,
                    claimed__gte=0,
                    settled__gte=0,
                ),
                name="allotment_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(cap__gte=F("held") + F("captured") + F("claimed") + F("settled")),
                name="allotment_within_cap",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="allotment_within_groups_cap",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                timing=pgtrigger.Deferred,
                declare=[("most", "NUMERIC"), ("used", "NUMERIC")],
                func=_WITHIN_THE_GROUPS_CAP,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.holder_id} {self.year}"


class AllotmentEvent(models.Model):
    """What an office did to an allotment. Append-only; only its free text can be redacted."""

    class Kind(models.TextChoices):
        GRANTED = "granted", _("Granted")
        SUSPENDED = "suspended", _("Suspended")
        RESUMED = "resumed", _("Resumed")

    allotment = models.ForeignKey(Allotment, models.PROTECT, related_name="events")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(_("event"), max_length=10, choices=Kind)
    cap = money_column(_("cap"))
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("allotment event")
        verbose_name_plural = _("allotment events")
        ordering = ["id"]
        triggers = [
            pgtrigger.ReadOnly(name="allotment_event_append_only", exclude=["reason"]),
            pgtrigger.Protect(name="allotment_event_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.allotment_id} {self.kind}"
