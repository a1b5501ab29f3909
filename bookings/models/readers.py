"""Who may read what concerns a booking or a request."""

from django.db.models import Q

from institutions.models import Membership, Project, Role, User

FACILITY = (Role.OPERATOR, Role.FACILITY_MANAGER, Role.ADMINISTRATOR)
OFFICES = (Role.BILLING_OFFICER, Role.ADMINISTRATOR)


def insiders(user: User) -> Q:
    """The requester, the people of his project, and the staff of the facility."""
    return (
        Q(requester=user)
        | Q(project__in=Project.objects.bookable_by(user).values("pk"))
        | of_staff(user)
    )


def readers(user: User) -> Q:
    """The insiders, and the facility's safety officers where their word is asked for."""
    places = Membership.objects.filter(user=user, role=Role.SAFETY_OFFICER).values("institution")
    return insiders(user) | Q(sign_off__isnull=False, instrument__institution__in=places)


def of_staff(user: User) -> Q:
    staff = Membership.objects.filter(user=user, role__in=FACILITY).values("institution")
    return Q(instrument__institution__in=staff)
