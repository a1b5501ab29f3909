"""Who is what where: plain predicates, one query each."""

from institutions.models import Institution, Membership, Project, Role, User


def has_role(user: User, institution: Institution | int, *roles: str) -> bool:
    """Whether `user` holds one of `roles` at `institution`; administrators hold them all."""
    pk = institution if isinstance(institution, int) else institution.pk
    return Membership.objects.filter(
        user=user, institution=pk, role__in=[*roles, Role.ADMINISTRATOR]
    ).exists()


def may_consent(user: User, project: Project) -> bool:
    """The principal or one of the deputies."""
    return (
        project.principal_id == user.pk
        or project.members.filter(user=user, is_deputy=True).exists()
    )


def may_lead(user: User, project: Project) -> bool:
    """Who may give consent may also say who spends and how much alone."""
    return may_consent(user, project)


def is_on_project(user: User, project: Project) -> bool:
    """Whether `user` may book on it already."""
    return project.principal_id == user.pk or project.members.filter(user=user).exists()


def may_edit_project(user: User, project: Project) -> bool:
    """What the books say of it is the institution's billing office's to change."""
    return user.is_superuser or has_role(user, project.institution_id, Role.BILLING_OFFICER)


def may_relate(user: User, *institutions: Institution) -> bool:
    """A programme office keeps the ties of those that are registered in its region."""
    if user.is_superuser:
        return True
    codes = [code for one in institutions for code in one.region.lineage]
    return Membership.objects.filter(
        user=user, role=Role.PROGRAMME_OFFICER, institution__region__code__in=codes
    ).exists()


def is_programme_officer(user: User) -> bool:
    """Of whichever region's programme office."""
    if user.is_superuser:
        return True
    return Membership.objects.filter(user=user, role=Role.PROGRAMME_OFFICER).exists()


def may_edit_billing_details(user: User, institution: Institution | int) -> bool:
    """Tax and bank details are the administrators' to change."""
    return user.is_superuser or has_role(user, institution)
