"""One small mechanism for every endpoint that creates: the first answer is given again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from institutions.models.people import User


class IdempotencyKey(models.Model):
    """Key, caller, hash of method, path and body, and the answer, stored with the effect."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return self.key
