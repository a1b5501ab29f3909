"""Say who operates which instruments, and when."""

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bookings import permissions
from bookings.actions.save_accessory import locked_or_new, refuse_foreign
from bookings.models import Resource, ResourceKind
from institutions.models import Institution, Membership, Role, User
from instruments.models import Instrument, OpeningCalendar
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused

# Where there are few people the manager operates, too.
OPERATING = (Role.OPERATOR, Role.FACILITY_MANAGER)


def save_operator(
    *,
    by: User,
    institution: Institution,
    person: User,
    serves: Collection[Instrument],
    working_hours: OpeningCalendar | None = None,
    is_active: bool = True,
    operator: Resource | None = None,
) -> Resource:
    """The whole record of a new operator, or of `operator`, who stays the same person: one of the
    facility's operators or managers.

    Without `working_hours` he comes whenever the instrument is open. Bookings that stand keep an
    operator who is retired until a manager assigns another. Raises `NotAllowed`, `Malformed`, or
    `Refused` with `not_an_operator`, `operator_exists`. Locks the operator.
    """
    if not permissions.may_manage(by, institution):
        raise NotAllowed
    refuse_foreign(serves, institution)
    roles = Membership.objects.filter(user=person, institution=institution, role__in=OPERATING)
    # Whoever has left these roles can still be retired.
    if is_active and not roles.exists():
        raise Refused(
            Refusal(
                "not_an_operator", _("This person neither operates nor manages at the facility.")
            )
        )
    with as_refusals(), transaction.atomic():
        saved = locked_or_new(operator, ResourceKind.OPERATOR, institution)
        if operator is None:
            saved.person = person
        saved.working_hours = working_hours
        saved.is_active = is_active
        saved.save()
        saved.serves.set(serves)
    return saved
