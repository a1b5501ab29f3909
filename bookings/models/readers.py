"""Who may read what concerns a booking or a request."""

from django.apps import apps
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
    """Of a booking: the insiders, who shares the price, and the facility's safety officers where
    their word is asked for."""
    places = Membership.objects.filter(user=user, role=Role.SAFETY_OFFICER).values("institution")
    of_officers = Q(sign_off__isnull=False, instrument__institution__in=places)
    return insiders(user) | shared_with(user) | of_officers


def shared_with(user: User) -> Q:
    """Bookings of which a project that `user` may book on bears a share."""
    theirs = Project.objects.bookable_by(user).values("pk")
    shares = apps.get_model("bookings", "BookingSplit").objects.filter(project__in=theirs)
    return Q(is_split=True, pk__in=shares.values("booking"))


def of_staff(user: User) -> Q:
    staff = Membership.objects.filter(user=user, role__in=FACILITY).values("institution")
    return Q(instrument__institution__in=staff)
