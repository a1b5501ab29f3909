"""The back office for people and institutions: nothing here can break an invariant."""

from django.contrib import admin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from institutions.models import (
    Alliance,
    ApiToken,
    ControllingGroup,
    GroupMember,
    Institution,
    Membership,
    Project,
    ProjectMember,
    Region,
    RelatedParty,
    User,
    VatRate,
)


class ReadOnly:
    """For tables that only actions and imports may write."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["institution", "user"]


@admin.register(User)
class UserAdmin(ModelAdmin):
    """People are deactivated or erased, never deleted: history carries their numbers."""

    list_display = ["email", "full_name", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "memberships__role"]
    search_fields = ["email", "full_name"]
    fields = ["email", "full_name", "phone", "language", "is_active", "is_staff", "is_superuser"]
    inlines = [MembershipInline]
    change_password_form = AdminPasswordChangeForm

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Region)
class RegionAdmin(ReadOnly, ModelAdmin):
    """Regions come from the import, which keeps their lineage."""

    list_display = ["code", "name_zh", "name_en", "level", "parent"]
    list_select_related = ["parent"]
    search_fields = ["code", "name_zh", "name_en"]


@admin.register(Alliance)
class AllianceAdmin(ModelAdmin):
    list_display = ["code", "name_zh", "name_en"]
    search_fields = ["code", "name_zh", "name_en"]
    autocomplete_fields = ["regions"]


class VatRateInline(ReadOnly, TabularInline):
    """Set on the billing office's page, from a day on."""

    model = VatRate
    extra = 0
    fields = ["rate", "valid"]


@admin.register(Institution)
class InstitutionAdmin(ModelAdmin):
    """Code, tree and region decide money, so they are set by the import only."""

    list_display = ["code", "name_zh", "name_en", "kind", "region"]
    list_filter = ["kind", "region__city"]
    list_select_related = ["region"]
    search_fields = ["code", "name_zh", "name_en"]
    readonly_fields = ["code", "parent", "region", "lineage", "is_demo"]
    inlines = [MembershipInline, VatRateInline]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(RelatedParty)
class RelatedPartyAdmin(ModelAdmin):
    list_display = ["a", "b", "kind"]
    list_select_related = ["a", "b"]
    autocomplete_fields = ["a", "b"]


class GroupMemberInline(TabularInline):
    model = GroupMember
    extra = 0
    autocomplete_fields = ["institution"]


@admin.register(ControllingGroup)
class ControllingGroupAdmin(ModelAdmin):
    list_display = ["name_zh", "name_en"]
    search_fields = ["name_zh", "name_en"]
    inlines = [GroupMemberInline]


class ProjectMemberInline(TabularInline):
    model = ProjectMember
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    """What is held and spent is the till's to write."""

    list_display = ["code", "name", "institution", "principal", "budget", "held", "spent"]
    list_select_related = ["institution", "principal"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["institution", "principal"]
    readonly_fields = ["held", "spent", "overrun"]
    inlines = [ProjectMemberInline]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "user", "created_at", "expires_at", "revoked_at"]
    list_select_related = ["user"]
    fields = ["user", "created_at", "expires_at", "revoked_at"]
