"""Who may do what to a booking: plain predicates."""

from django.db.models import Q

from bookings.models import (
    Booking,
    Problem,
    ServiceRequest,
    TrainingSession,
    Violation,
    ViolationState,
)
from bookings.states import State
from institutions.models import Institution, Membership, Project, Role, User
from institutions.permissions import has_role, may_consent
from instruments.models import AccessMode, Instrument

STAFF = (Role.FACILITY_MANAGER, Role.OPERATOR)


def is_facility_staff(user: User, institution: Institution | int) -> bool:
    """Managers and operators of the facility."""
    return has_role(user, institution, *STAFF)


def may_set_rules(user: User, institution: Institution | int) -> bool:
    """The facility's managers and administrators, and whoever runs the whole system."""
    return user.is_superuser or has_role(user, institution, Role.FACILITY_MANAGER)


def may_manage(user: User, institution: Institution | int) -> bool:
    """What the facility books out: accessories, operators, configurations, seats."""
    return has_role(user, institution, Role.FACILITY_MANAGER)


def may_approve(user: User, booking: Booking) -> bool:
    return has_role(user, booking.instrument.institution_id, Role.FACILITY_MANAGER)


def may_decline(user: User, booking: Booking) -> bool:
    """The facility's manager; while consent is open also those who could give it."""
    if booking.state == State.AWAITING_PRINCIPAL and may_consent_to(user, booking):
        return True
    return may_approve(user, booking)


def may_consent_to(user: User, booking: Booking) -> bool:
    """Who leads the project; of several that share the price, one that is asked while any is."""
    if not booking.is_split:
        return may_consent(user, booking.project)
    theirs = booking.splits.filter(project__in=Project.objects.led_by(user).values("pk"))
    if booking.state == State.AWAITING_PRINCIPAL:
        theirs = theirs.filter(awaits_consent=True)
    return theirs.exists()


def is_on_the_users_side(user: User, booking: Booking) -> bool:
    return booking.requester_id == user.pk or may_consent(user, booking.project)


def may_cancel(user: User, booking: Booking) -> bool:
    return is_on_the_users_side(user, booking) or may_approve(user, booking)


def may_reschedule(user: User, booking: Booking) -> bool:
    """Who may cancel may also move."""
    return may_cancel(user, booking)


def may_close(user: User, institution: Institution, *, displacing: bool = False) -> bool:
    """The facility's staff; only a manager may put bookings out of the way."""
    if displacing:
        return has_role(user, institution, Role.FACILITY_MANAGER)
    return is_facility_staff(user, institution)


def may_check_in(user: User, booking: Booking) -> bool:
    return booking.requester_id == user.pk or is_facility_staff(
        user, booking.instrument.institution_id
    )


def may_complete(user: User, booking: Booking) -> bool:
    """The facility's staff; on self-service instruments whoever is using it."""
    if is_facility_staff(user, booking.instrument.institution_id):
        return True
    return (
        booking.requester_id == user.pk
        and booking.instrument.access_mode == AccessMode.SELF_SERVICE
        and booking.state == State.IN_USE
    )


def may_release_early(user: User, booking: Booking) -> bool:
    """Whoever may cancel it, and the operators."""
    return is_on_the_users_side(user, booking) or is_facility_staff(
        user, booking.instrument.institution_id
    )


def may_extend(user: User, booking: Booking) -> bool:
    """Whoever is using it, and the facility's staff."""
    return may_check_in(user, booking)


def may_sign_off(user: User, booking: Booking) -> bool:
    return has_role(user, booking.instrument.institution_id, Role.SAFETY_OFFICER)


def may_mark_no_show(user: User, booking: Booking) -> bool:
    return is_facility_staff(user, booking.instrument.institution_id)


def may_plan_training(user: User, instrument: Instrument) -> bool:
    return has_role(user, instrument.institution_id, Role.FACILITY_MANAGER)


def may_record_attendance(user: User, session: TrainingSession) -> bool:
    """The trainer, and the facility's managers."""
    return session.trainer_id == user.pk or may_plan_training(user, session.instrument)


def may_record_violation(user: User, institution: Institution | int) -> bool:
    return is_facility_staff(user, institution)


def may_lift_violation(user: User, violation: Violation) -> bool:
    """A manager, never about himself; an appeal is heard by another one than who recorded it,
    where there is another."""
    if violation.user_id == user.pk or not is_manager(user, violation.institution_id):
        return False
    if violation.state != ViolationState.APPEALED or violation.recorded_by_id != user.pk:
        return True
    others = Membership.objects.filter(
        institution=violation.institution_id,
        role__in=[Role.FACILITY_MANAGER, Role.ADMINISTRATOR],
        user__is_active=True,
    )
    return not others.exclude(user__in=[user.pk, violation.user_id]).exists()


def is_manager(user: User, institution: Institution | int) -> bool:
    return has_role(user, institution, Role.FACILITY_MANAGER)


def may_schedule(user: User, instrument: Instrument) -> bool:
    """The facility's manager decides what runs on its instruments, and who is granted time."""
    return has_role(user, instrument.institution_id, Role.FACILITY_MANAGER)


def may_decide_request(user: User, request: ServiceRequest) -> bool:
    return may_schedule(user, request.instrument)


def may_withdraw(user: User, request: ServiceRequest) -> bool:
    """The user's side: who asked, and those who answer for the project."""
    return request.requester_id == user.pk or may_consent(user, request.project)


def may_handle_samples(user: User, request: ServiceRequest) -> bool:
    return is_facility_staff(user, request.instrument.institution_id)


def may_report_problem(user: User, instrument: Instrument) -> bool:
    """Whoever may use it: its staff, who has booked it, who is trained on it."""
    if is_facility_staff(user, instrument.institution_id):
        return True
    trained = Q(instrument=instrument) | Q(technique__in=instrument.techniques)
    return (
        instrument.bookings.filter(requester=user).exists()
        or user.qualifications.filter(trained).exists()
    )


def may_clear_problem(user: User, problem: Problem) -> bool:
    return is_facility_staff(user, problem.instrument.institution_id)


def may_send_logs(user: User) -> bool:
    """Staff of any facility; the lines are for its own instruments."""
    roles = [*STAFF, Role.ADMINISTRATOR]
    return Membership.objects.filter(user=user, role__in=roles).exists()
