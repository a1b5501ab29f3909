from institutions.models.idempotency import IdempotencyKey
from institutions.models.institution import Institution, InstitutionKind, RelatedParty
from institutions.models.people import ApiToken, Membership, Role, User
from institutions.models.project import Project, ProjectMember
from institutions.models.region import Alliance, Region

__all__ = [
    "Alliance",
    "ApiToken",
    "IdempotencyKey",
    "Institution",
    "InstitutionKind",
    "Membership",
    "Project",
    "ProjectMember",
    "Region",
    "RelatedParty",
    "Role",
    "User",
]
