"""What time can be claimed on: seats of instruments, accessories, and the people who operate."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from institutions.models import Institution, Membership, Role, User
from institutions.models.names import Named
from instruments.models import Instrument, OpeningCalendar


class ResourceKind(models.TextChoices):
    SEAT = "seat", _("Seat")
    OPERATOR = "operator", _("Operator")
    ACCESSORY = "accessory", _("Accessory")


class ResourceQuerySet(models.QuerySet["Resource"]):
    def visible_to(self, user: User) -> "ResourceQuerySet":
        """Accessories in service are on everybody's booking form; the rest is for the staff of
        the facility."""
        staff = Membership.objects.filter(
            user=user, role__in=[Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR]
        )
        return self.filter(
            Q(kind=ResourceKind.ACCESSORY, is_active=True)
            | Q(institution__in=staff.values("institution"))
        )

    def with_serves(self) -> "ResourceQuerySet":
        """With all that a list shows of accessories or operators; two queries."""
        return self.select_related("institution", "person", "working_hours").prefetch_related(
            models.Prefetch("serves", Instrument.objects.order_by("code").defer("search"))
        )


class Resource(Named):
    """Something whose time can be claimed once: an instrument of capacity n has n seats.

    An accessory has a `code` and names and fits the instruments in `serves`; an operator is a
    `person` who operates those, within `working_hours` (None: whenever the instrument is open).
    """

    kind = models.CharField(max_length=10, choices=ResourceKind)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="resources")
    instrument = models.ForeignKey(
        Instrument, models.PROTECT, null=True, blank=True, related_name="resources"
    )
    number = models.PositiveSmallIntegerField(default=1)
    code = models.CharField(_("code"), max_length=40, blank=True, default="")
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True, default="")
    name_en = models.CharField(_("English name"), max_length=200, blank=True, default="")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="operates"
    )
    working_hours = models.ForeignKey(
        OpeningCalendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("working hours"),
    )
    serves = models.ManyToManyField(Instrument, related_name="served_by", blank=True)
    is_active = models.BooleanField(_("in service"), default=True)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "number"],
                condition=Q(kind="seat"),
                name="resource_seat_once",
            ),
            models.UniqueConstraint(
                fields=["institution", "code"],
                condition=~Q(code=""),
                name="resource_code_once",
            ),
            models.UniqueConstraint(
                fields=["institution", "person"],
                condition=Q(kind="operator"),
                name="resource_operator_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind="seat") | Q(instrument__isnull=False),
                name="resource_seat_has_instrument",
            ),
            models.CheckConstraint(
                condition=Q(kind="operator", person__isnull=False)
                | (~Q(kind="operator") & Q(person__isnull=True)),
                name="resource_operator_is_a_person",
            ),
        ]

    def __str__(self) -> str:
        match self.kind:
            case ResourceKind.OPERATOR:
                return str(self.person)
            case ResourceKind.ACCESSORY:
                return self.name or self.code
        return f"{self.kind} {self.instrument_id}/{self.number}"
