from institutions.models.idempotency import IdempotencyKey
from institutions.models.institution import (
    ControllingGroup,
    GroupMember,
    Institution,
    InstitutionKind,
    RelatedParty,
)
from institutions.models.joining import JoinRequest, JoinState, ProjectEvent
from institutions.models.people import ApiToken, Membership, Role, User
from institutions.models.project import Project, ProjectMember
from institutions.models.region import Alliance, Region
from institutions.models.vat import VatRate

__all__ = [
    "Alliance",
    "ApiToken",
    "ControllingGroup",
    "GroupMember",
    "IdempotencyKey",
    "Institution",
    "InstitutionKind",
    "JoinRequest",
    "JoinState",
    "Membership",
    "Project",
    "ProjectEvent",
    "ProjectMember",
    "Region",
    "RelatedParty",
    "Role",
    "User",
    "VatRate",
]
