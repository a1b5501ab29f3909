"""The back office: money is only looked at here; programmes change where nothing used them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from billing import models
from institutions.admin import ReadOnly


@admin.register(models.Programme)
class ProgrammeAdmin(ModelAdmin):
    """Names can be mended. Code and lead region are set once: references and rights hang on
    them."""

    list_display = ("code", "name_zh", "name_en", "lead_region", "is_demo")
    search_fields = ("code", "name_zh", "name_en")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code", "lead_region", "is_demo") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.ProgrammeTerms)
class TermsAdmin(ModelAdmin):
    """Terms that a redemption uses are read-only, here as in the database."""

    list_display = ("programme", "version", "rate", "settlement", "valid_from", "valid_until")
    list_filter = ("programme", "settlement")
    filter_horizontal = ("holder_regions", "provider_regions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and models.Redemption.objects.filter(terms=obj).exists():
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Pool)
class PoolAdmin(ReadOnly, ModelAdmin):
    list_display = ("programme", "funding_region", "year", "amount", "committed")
    list_filter = ("programme", "year")
    list_select_related = ("programme", "funding_region")


class AllotmentEventInline(ReadOnly, TabularInline):
    model = models.AllotmentEvent
    extra = 0


@admin.register(models.Allotment)
class AllotmentAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "programme",
        "holder",
        "year",
        "cap",
        "available",
        "held",
        "captured",
        "claimed",
        "settled",
    )
    list_filter = ("programme", "year")
    search_fields = ("holder__code", "holder__name_zh", "holder__name_en")
    list_select_related = ("programme", "holder")
    inlines = (AllotmentEventInline,)


@admin.register(models.Admission)
class AdmissionAdmin(ReadOnly, ModelAdmin):
    list_display = ("programme", "provider", "valid_from", "valid_until")
    list_filter = ("programme",)
    search_fields = ("provider__code", "provider__name_zh", "provider__name_en")
    list_select_related = ("programme", "provider")


@admin.register(models.Application)
class ApplicationAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "state", "programme", "holder", "year", "amount")
    list_filter = ("state", "programme", "year")
    search_fields = ("reference", "holder__code", "holder__name_zh", "holder__name_en")
    list_select_related = ("programme", "holder")


@admin.register(models.Certificate)
class CertificateAdmin(ReadOnly, ModelAdmin):
    """What it says; the document itself is for the holder and the offices alone."""

    list_display = ("reference", "holder", "kind", "size", "valid_until", "is_accepted")
    list_filter = ("kind", "is_accepted")
    search_fields = ("reference", "holder__code")
    list_select_related = ("holder",)


@admin.register(models.Redemption)
class RedemptionAdmin(ReadOnly, ModelAdmin):
    list_display = ("booking", "allotment", "state", "held_amount", "captured_amount")
    list_filter = ("state",)
    search_fields = ("booking__reference",)
    list_select_related = ("booking", "allotment")


class ChargeLineInline(ReadOnly, TabularInline):
    model = models.ChargeLine
    extra = 0


class ChargeAllocationInline(ReadOnly, TabularInline):
    model = models.ChargeAllocation
    extra = 0


class ChargeEventInline(ReadOnly, TabularInline):
    model = models.ChargeEvent
    extra = 0


@admin.register(models.Charge)
class ChargeAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "state", "kind", "payer", "provider", "gross", "voucher", "net")
    list_filter = ("state", "kind", "period")
    search_fields = ("reference", "booking__reference", "payer__code", "provider__code")
    list_select_related = ("payer", "provider")
    inlines = (ChargeLineInline, ChargeAllocationInline, ChargeEventInline)


class StatementLineInline(ReadOnly, TabularInline):
    model = models.StatementLine
    extra = 0


@admin.register(models.Statement)
class StatementAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "number", "state", "payer", "provider", "period", "gross", "net")
    list_filter = ("state", "period")
    search_fields = ("reference", "number", "payer__code", "provider__code")
    list_select_related = ("payer", "provider")
    inlines = (StatementLineInline,)


class PostingInline(ReadOnly, TabularInline):
    model = models.Posting
    extra = 0


@admin.register(models.LedgerEntry)
class LedgerEntryAdmin(ReadOnly, ModelAdmin):
    list_display = ("id", "institution", "at", "kind", "statement", "charge", "deposit_move")
    list_filter = ("kind", "period")
    search_fields = ("statement__number", "charge__reference")
    list_select_related = ("institution", "statement", "charge", "deposit_move")
    inlines = (PostingInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.LedgerEntry]:
        return super().get_queryset(request).order_by("-at", "-pk")


@admin.register(models.NumberCounter)
class NumberCounterAdmin(ReadOnly, ModelAdmin):
    list_display = ("institution", "year", "last")
    list_select_related = ("institution",)


@admin.register(models.ContractPrice)
class ContractPriceAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "payer", "instrument", "unit_price", "unit", "valid", "state")
    list_filter = ("state",)
    search_fields = ("reference", "contract_number", "payer__code")
    list_select_related = ("payer", "instrument")


class HourDrawInline(ReadOnly, TabularInline):
    model = models.HourDraw
    extra = 0


@admin.register(models.HourPackage)
class HourPackageAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "reference",
        "kind",
        "provider",
        "payer",
        "minutes",
        "held_minutes",
        "used_minutes",
        "valid",
    )
    list_filter = ("kind",)
    search_fields = ("reference", "payer__code", "provider__code")
    list_select_related = ("provider", "payer")
    inlines = [HourDrawInline]


@admin.register(models.AccountingMonth)
class AccountingMonthAdmin(ReadOnly, ModelAdmin):
    list_display = ("institution", "month", "closed_at", "closed_by")
    list_select_related = ("institution", "closed_by")


class DepositMoveInline(ReadOnly, TabularInline):
    model = models.DepositMove
    extra = 0


@admin.register(models.DepositAccount)
class DepositAccountAdmin(ReadOnly, ModelAdmin):
    list_display = ("payer", "provider", "balance", "held", "credit_limit", "is_demanded")
    search_fields = ("payer__code", "provider__code")
    list_select_related = ("provider", "payer")
    inlines = (DepositMoveInline,)


@admin.register(models.DepositRefund)
class DepositRefundAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "account", "amount", "state", "asked_by", "decided_by")
    list_filter = ("state",)
    search_fields = ("reference",)
    list_select_related = ("account__provider", "account__payer", "asked_by", "decided_by")


@admin.register(models.CreditNote)
class CreditNoteAdmin(ReadOnly, ModelAdmin):
    list_display = ("number", "statement", "charge", "payer", "gross", "net", "issued_at")
    search_fields = ("number", "reference", "statement__number")
    list_select_related = ("statement", "charge", "payer")


@admin.register(models.WriteOff)
class WriteOffAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "statement", "amount", "state", "proposed_at", "decided_at")
    list_filter = ("state",)
    search_fields = ("reference", "statement__number")
    list_select_related = ("statement",)


@admin.register(models.FapiaoRequest)
class FapiaoRequestAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "statement", "kind", "buyer_name", "gross", "state", "number")
    list_filter = ("state", "kind")
    search_fields = ("reference", "number", "buyer_name", "statement__number")
    list_select_related = ("statement",)


@admin.register(models.FapiaoExport)
class FapiaoExportAdmin(ReadOnly, ModelAdmin):
    list_display = ("reference", "provider", "at")
    list_select_related = ("provider",)


@admin.register(models.Dispatch)
class DispatchAdmin(ReadOnly, ModelAdmin):
    list_display = ("kind", "statement", "state", "attempts", "created_at", "done_at")
    list_filter = ("kind", "state")
    list_select_related = ("statement",)


@admin.register(models.Reminder)
class ReminderAdmin(ReadOnly, ModelAdmin):
    list_display = ("statement", "level", "at")
    list_select_related = ("statement",)


@admin.register(models.BillingSettings)
class BillingSettingsAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "institution",
        "review_days",
        "deposit_demanded",
        "payment_days",
        "reminder_days",
    )
    list_select_related = ("institution",)


class InternalExportLineInline(ReadOnly, TabularInline):
    model = models.InternalExportLine
    extra = 0


@admin.register(models.InternalExport)
class InternalExportAdmin(ReadOnly, ModelAdmin):
    list_display = ("institution", "number", "at", "by")
    list_select_related = ("institution", "by")
    inlines = (InternalExportLineInline,)
