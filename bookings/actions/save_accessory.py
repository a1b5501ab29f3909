"""Put an accessory into service, change it, or retire it."""

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.models import Resource, ResourceKind
from institutions.models import Institution, User
from instruments.models import Instrument
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed


def save_accessory(
    *,
    by: User,
    institution: Institution,
    code: str,
    name_zh: str,
    name_en: str,
    serves: Collection[Instrument],
    is_active: bool = True,
    accessory: Resource | None = None,
) -> Resource:
    """The whole record of a new accessory, or of `accessory`, whose code may change too.

    Bookings that stand already keep an accessory that is retired. Raises `NotAllowed`,
    `Malformed`, or `Refused` with `code_taken`. Locks the accessory.
    """
    if not permissions.may_manage(by, institution):
        raise NotAllowed
    if not code.strip():
        raise Malformed({"code": [_("An accessory has a code.")]})
    refuse_foreign(serves, institution)
    with as_refusals(), transaction.atomic():
        saved = locked_or_new(accessory, ResourceKind.ACCESSORY, institution)
        saved.code, saved.name_zh, saved.name_en = code.strip(), name_zh, name_en
        saved.is_active = is_active
        saved.save()
        saved.serves.set(serves)
    return saved


def refuse_foreign(serves: Collection[Instrument], institution: Institution) -> None:
    """Raises `Malformed` where an instrument belongs to another facility."""
    if any(instrument.institution_id != institution.pk for instrument in serves):
        raise Malformed({"instruments": [_("Instruments of this facility only.")]})


def locked_or_new(
    resource: Resource | None, kind: ResourceKind, institution: Institution
) -> Resource:
    """The resource under its lock, so that two who change it do so one after the other."""
    if resource is None:
        return Resource(kind=kind, institution=institution)
    return Resource.objects.select_for_update(no_key=True).get(
        pk=resource.pk, kind=kind, institution=institution
    )
