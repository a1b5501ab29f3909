"""The back office looks at bookings; it never writes them: every change is an action."""

from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline

from bookings.models import (
    Allocation,
    AllocationDraw,
    Booking,
    BookingEvent,
    BookingRule,
    BookingSplit,
    InstrumentLogLine,
    Occupancy,
    Problem,
    RequestEvent,
    Resource,
    Run,
    Sample,
    ServiceRequest,
    Suspension,
    SuspensionRule,
    TrainingPlace,
    TrainingSession,
    Usage,
    UsageSegment,
    Violation,
)
from institutions.admin import ReadOnly


class EventInline(ReadOnly, TabularInline):
    model = BookingEvent
    fields = ["at", "by", "kind", "from_state", "to_state", "reason"]
    extra = 0


class SplitInline(ReadOnly, TabularInline):
    model = BookingSplit
    fields = ["project", "percent", "awaits_consent"]


class OccupancyInline(ReadOnly, TabularInline):
    model = Occupancy
    fields = ["resource", "during", "kind", "held_until", "released_at"]
    extra = 0


@admin.register(Booking)
class BookingAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "instrument", "during", "state", "project", "created_at"]
    list_filter = ["state", "instrument__institution"]
    list_select_related = ["instrument", "project"]
    search_fields = ["reference", "instrument__code", "project__code"]
    inlines = [EventInline, SplitInline, OccupancyInline]


@admin.register(BookingRule)
class BookingRuleAdmin(ReadOnly, ModelAdmin):
    list_display = ["kind", "institution", "instrument", "valid", "created_by"]
    list_filter = ["kind", "institution"]
    list_select_related = ["institution", "instrument", "created_by"]
    search_fields = ["institution__code", "instrument__code"]


@admin.register(Occupancy)
class OccupancyAdmin(ReadOnly, ModelAdmin):
    list_display = ["resource", "during", "kind", "booking", "released_at"]
    list_filter = ["kind"]
    list_select_related = ["resource", "booking"]


@admin.register(Resource)
class ResourceAdmin(ReadOnly, ModelAdmin):
    list_display = ["kind", "instrument", "institution", "number"]
    list_filter = ["kind"]
    list_select_related = ["instrument", "institution"]


class SegmentInline(ReadOnly, TabularInline):
    model = UsageSegment
    fields = ["during", "kind", "cause"]
    extra = 0


@admin.register(Usage)
class UsageAdmin(ReadOnly, ModelAdmin):
    list_display = ["booking", "during", "quantity", "source", "recorded_at"]
    list_select_related = ["booking"]
    inlines = [SegmentInline]


class PlaceInline(ReadOnly, TabularInline):
    model = TrainingPlace
    fields = ["user", "state", "signed_up_by", "signed_up_at", "settled_by", "settled_at"]
    extra = 0


@admin.register(TrainingSession)
class TrainingSessionAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "instrument", "during", "trainer", "state", "taken", "places"]
    list_filter = ["state", "instrument__institution"]
    list_select_related = ["instrument", "trainer"]
    search_fields = ["reference", "instrument__code"]
    inlines = [PlaceInline]


@admin.register(Violation)
class ViolationAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "user", "institution", "kind", "state", "at"]
    list_filter = ["state", "kind", "institution"]
    list_select_related = ["user", "institution"]
    search_fields = ["reference", "user__email", "booking__reference"]


@admin.register(SuspensionRule)
class SuspensionRuleAdmin(ReadOnly, ModelAdmin):
    list_display = ["institution", "after_count", "within_days", "suspend_days", "valid"]
    list_select_related = ["institution"]


@admin.register(Suspension)
class SuspensionAdmin(ReadOnly, ModelAdmin):
    list_display = ["user", "institution", "during", "count", "lifted_at"]
    list_select_related = ["user", "institution"]


@admin.register(Problem)
class ProblemAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "instrument", "severity", "state", "reported_at", "cleared_at"]
    list_filter = ["state", "severity"]
    list_select_related = ["instrument"]
    search_fields = ["reference", "instrument__code"]


@admin.register(InstrumentLogLine)
class InstrumentLogLineAdmin(ReadOnly, ModelAdmin):
    list_display = ["instrument", "during", "operator", "usage", "received_at"]
    list_select_related = ["instrument", "usage"]
    search_fields = ["instrument__code"]


class RequestEventInline(ReadOnly, TabularInline):
    model = RequestEvent
    fields = ["at", "by", "from_state", "to_state", "reason"]
    extra = 0


class SampleInline(ReadOnly, TabularInline):
    model = Sample
    fields = ["number", "name", "quantity", "unit", "hazards", "state"]
    extra = 0


@admin.register(ServiceRequest)
class ServiceRequestAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "instrument", "kind", "state", "project", "created_at"]
    list_filter = ["kind", "state", "instrument__institution"]
    list_select_related = ["instrument", "project"]
    search_fields = ["reference", "instrument__code", "project__code"]
    inlines = [SampleInline, RequestEventInline]


@admin.register(Run)
class RunAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "instrument", "during", "created_by", "created_at"]
    list_select_related = ["instrument", "created_by"]
    search_fields = ["reference", "instrument__code"]


class DrawInline(ReadOnly, TabularInline):
    model = AllocationDraw
    fields = ["booking", "amount", "released_at"]
    extra = 0


@admin.register(Allocation)
class AllocationAdmin(ReadOnly, ModelAdmin):
    list_display = ["reference", "instrument", "project", "granted", "drawn", "unit", "valid"]
    list_filter = ["unit", "instrument__institution"]
    list_select_related = ["instrument", "project"]
    search_fields = ["reference", "instrument__code", "project__code"]
    inlines = [DrawInline]
