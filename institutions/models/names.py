"""Names in both languages, the same way on every table that has them."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Named(models.Model):
    """`name_zh` and `name_en`, and `name` in the language that is active now."""

    name_zh = models.CharField(_("Chinese name"), max_length=200)
    name_en = models.CharField(_("English name"), max_length=200)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        chinese = (get_language() or "zh").startswith("zh")
        return (self.name_zh or self.name_en) if chinese else (self.name_en or self.name_zh)
