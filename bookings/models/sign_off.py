"""The safety officer's word on a booking whose answers need it."""

from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import guards
from bookings.models.booking import Booking

if TYPE_CHECKING:
    from institutions.models import User


class SignOffState(models.TextChoices):
    WAITING = "waiting", _("Waiting for the safety officer")
    GIVEN = "given", _("Signed off")
    REFUSED = "refused", _("Sign-off refused")


class SignOffQuerySet(models.QuerySet["SignOff"]):
    def visible_to(self, user: "User") -> "SignOffQuerySet":
        """Those of bookings whose inside `user` knows: his own, his project's, his facility's."""
        return self.filter(booking__in=Booking.objects.inside(user).values("pk"))


class SignOff(models.Model):
    """Asked for once, when the booking is made, and answered once.

    `codes` are those of the questions whose answers need it. `approves_itself` keeps that nobody
    else has to say yes: then the booking is approved as soon as this is given.
    """

    booking = models.OneToOneField(Booking, models.PROTECT, related_name="sign_off")
    codes = ArrayField(models.CharField(max_length=40))
    approves_itself = models.BooleanField(default=False)
    state = models.CharField(
        _("state"), max_length=8, choices=SignOffState, default=SignOffState.WAITING
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    objects = SignOffQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-off")
        verbose_name_plural = _("sign-offs")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", decided_by__isnull=True, decided_at__isnull=True)
                | Q(
                    state__in=["given", "refused"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="sign_off_decided_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(codes=[]), name="sign_off_has_codes"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="sign_off_state_table",
                field="state",
                transitions=[("waiting", "given"), ("waiting", "refused")],
            ),
            pgtrigger.ReadOnly(
                name="sign_off_belongs", fields=["booking", "codes", "approves_itself"]
            ),
            pgtrigger.Protect(name="sign_off_never_deleted", operation=pgtrigger.Delete),
            guards.approved_and_signed_off("sign_off_before_approval", "NEW.booking_id"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.state}"
