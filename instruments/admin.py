"""The back office for the catalogue. Prices are read here; they change by new versions only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from institutions.admin import ReadOnly
from instruments.actions.edit_instrument import DESCRIPTION, EDITABLE, RULES, edit_instrument
from instruments.models import (
    Category,
    Consumable,
    ConsumablePrice,
    Instrument,
    OpeningCalendar,
    OpeningException,
    Qualification,
    QualificationRequest,
    Recognition,
    Tariff,
)


@admin.register(Category)
class CategoryAdmin(ReadOnly, ModelAdmin):
    list_display = ["code", "name_zh", "name_en"]
    search_fields = ["code", "name_zh", "name_en"]


class TariffInline(ReadOnly, TabularInline):
    model = Tariff
    fields = ["user_class", "unit", "unit_price", "first_unit_price", "minimum", "valid"]
    extra = 0


@admin.register(Instrument)
class InstrumentAdmin(ModelAdmin):
    """New instruments come from the import, old ones are retired and not deleted."""

    list_display = ["code", "name_zh", "name_en", "institution", "access_mode", "status"]
    list_filter = ["status", "access_mode", "field", "institution"]
    list_select_related = ["institution"]
    search_fields = ["code", "name_zh", "name_en", "model"]
    readonly_fields = ["code", "institution", "capacity", "provenance", "is_demo"]
    autocomplete_fields = ["category"]
    fieldsets = [
        (None, {"fields": ["code", "institution", "provenance", "is_demo", *DESCRIPTION]}),
        (_("Rules"), {"fields": ["capacity", *RULES]}),
    ]
    inlines = [TariffInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Instrument, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in form.changed_data if name in EDITABLE}
        edit_instrument(by=request.user, instrument=obj, values=values)  # type: ignore[arg-type]


@admin.register(Tariff)
class TariffAdmin(ReadOnly, ModelAdmin):
    list_display = ["instrument", "user_class", "unit", "unit_price", "valid"]
    list_filter = ["user_class", "unit"]
    list_select_related = ["instrument"]
    search_fields = ["instrument__code", "instrument__name_zh", "instrument__name_en"]


@admin.register(OpeningCalendar)
class OpeningCalendarAdmin(ReadOnly, ModelAdmin):
    list_display = ["slug", "name", "timezone", "holiday_country"]
    search_fields = ["slug", "name"]


@admin.register(OpeningException)
class OpeningExceptionAdmin(ReadOnly, ModelAdmin):
    list_display = ["calendar", "first_on", "last_on", "opens", "closes", "reason"]
    list_select_related = ["calendar"]
    search_fields = ["calendar__slug", "reason"]


@admin.register(Qualification)
class QualificationAdmin(ReadOnly, ModelAdmin):
    list_display = ["user", "instrument", "technique", "level", "valid_until", "granted_by"]
    list_select_related = ["user", "instrument", "granted_by"]
    search_fields = ["user__email", "instrument__code", "technique"]


@admin.register(QualificationRequest)
class QualificationRequestAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "user", "instrument", "level", "state", "asked_at"]
    list_filter = ["state"]
    list_select_related = ["user", "instrument"]
    search_fields = ["reference", "user__email", "instrument__code"]


@admin.register(Recognition)
class RecognitionAdmin(ReadOnly, ModelAdmin):
    list_display = ["institution", "granting", "technique", "valid", "made_by"]
    list_select_related = ["institution", "granting", "made_by"]


class ConsumablePriceInline(ReadOnly, TabularInline):
    model = ConsumablePrice
    extra = 0


@admin.register(Consumable)
class ConsumableAdmin(ReadOnly, ModelAdmin):
    """Prices change by new versions only, on the billing office's page."""

    list_display = ["code", "name_zh", "name_en", "institution", "instrument", "unit"]
    list_select_related = ["institution", "instrument"]
    search_fields = ["code", "name_zh", "name_en"]
    inlines = [ConsumablePriceInline]
