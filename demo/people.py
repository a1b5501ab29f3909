"""The demo's organisations and accounts: roles, not persons. Their names say that they are demo."""

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.hashers import make_password

from demo.details import enter_details
from institutions.models import (
    Institution,
    Membership,
    Project,
    ProjectMember,
    Region,
    Role,
    User,
)
from instruments.models import Instrument, Qualification

PASSWORD = "demo"
DOMAIN = "demo.example"
# Since when the people are there: before the bookings that the demo tells of.
SINCE_DAYS = 130

# code, Chinese name, English name, kind, region, VAT rate
ORGANISATIONS = (
    (
        "DEMO-SZ",
        "演示企业（苏州工业园区）",
        "Demo enterprise (Suzhou Industrial Park)",
        "enterprise",
        "320571",
    ),
    (
        "DEMO-SH",
        "演示企业（上海浦东）",
        "Demo enterprise (Pudong, Shanghai)",
        "enterprise",
        "310115",
    ),
    (
        "DEMO-WJ",
        "演示企业（苏州吴江）",
        "Demo enterprise (Wujiang, Suzhou)",
        "enterprise",
        "320509",
    ),
    (
        "DEMO-PO-SH",
        "演示券管理办公室（上海）",
        "Demo voucher office (Shanghai)",
        "public_platform",
        "310000",
    ),
    (
        "DEMO-PO-SZ",
        "演示券管理办公室（苏州）",
        "Demo voucher office (Suzhou)",
        "public_platform",
        "320500",
    ),
)

# account, name, institution, roles
ACCOUNTS = (
    ("researcher.suzhou", "演示研究人员·苏州", "DEMO-SZ", (Role.MEMBER,)),
    ("principal.suzhou", "演示负责人·苏州", "DEMO-SZ", (Role.MEMBER,)),
    ("billing.suzhou", "演示财务·苏州", "DEMO-SZ", (Role.BILLING_OFFICER,)),
    ("researcher.shanghai", "演示研究人员·上海", "DEMO-SH", (Role.MEMBER,)),
    ("principal.shanghai", "演示负责人·上海", "DEMO-SH", (Role.MEMBER,)),
    ("researcher.wujiang", "演示研究人员·吴江", "DEMO-WJ", (Role.MEMBER,)),
    ("principal.wujiang", "演示负责人·吴江", "DEMO-WJ", (Role.MEMBER,)),
    ("researcher.fudan", "演示研究人员·复旦", "FDU", (Role.MEMBER,)),
    ("principal.fudan", "演示负责人·复旦", "FDU", (Role.MEMBER,)),
    ("manager.fudan", "演示机组负责人·复旦", "FDU", (Role.FACILITY_MANAGER, Role.OPERATOR)),
    ("manager.soochow", "演示机组负责人·苏大", "SUDA", (Role.FACILITY_MANAGER, Role.OPERATOR)),
    ("manager.nanox", "演示机组负责人·Nano-X", "NANOX", (Role.FACILITY_MANAGER, Role.OPERATOR)),
    ("billing.fudan", "演示财务·复旦", "FDU", (Role.BILLING_OFFICER,)),
    ("billing.soochow", "演示财务·苏大", "SUDA", (Role.BILLING_OFFICER,)),
    ("billing.nanox", "演示财务·Nano-X", "NANOX", (Role.BILLING_OFFICER,)),
    ("programme.shanghai", "演示券管理·上海", "DEMO-PO-SH", (Role.PROGRAMME_OFFICER,)),
    ("programme.suzhou", "演示券管理·苏州", "DEMO-PO-SZ", (Role.PROGRAMME_OFFICER,)),
    # A write-off and a refund take two of an office; tax and bank details are an administrator's.
    ("cashier.fudan", "演示出纳·复旦", "FDU", (Role.BILLING_OFFICER,)),
    ("cashier.soochow", "演示出纳·苏大", "SUDA", (Role.BILLING_OFFICER,)),
    ("cashier.nanox", "演示出纳·Nano-X", "NANOX", (Role.BILLING_OFFICER,)),
    ("admin.fudan", "演示管理员·复旦", "FDU", (Role.ADMINISTRATOR,)),
    ("admin.soochow", "演示管理员·苏大", "SUDA", (Role.ADMINISTRATOR,)),
    ("admin.nanox", "演示管理员·Nano-X", "NANOX", (Role.ADMINISTRATOR,)),
    # Who else is there of a day at the facilities: no voucher is theirs.
    ("operator.fudan", "演示操作员·复旦", "FDU", (Role.OPERATOR,)),
    ("safety.fudan", "演示安全员·复旦", "FDU", (Role.SAFETY_OFFICER,)),
    ("operator.soochow", "演示操作员·苏大", "SUDA", (Role.OPERATOR,)),
    ("safety.soochow", "演示安全员·苏大", "SUDA", (Role.SAFETY_OFFICER,)),
    ("operator.nanox", "演示操作员·Nano-X", "NANOX", (Role.OPERATOR,)),
    ("safety.nanox", "演示安全员·Nano-X", "NANOX", (Role.SAFETY_OFFICER,)),
    ("engineer.nanox", "演示工程师·Nano-X", "NANOX", (Role.OPERATOR,)),
    ("student.fudan", "演示研究生·复旦", "FDU", (Role.MEMBER,)),
    ("student.soochow", "演示研究生·苏大", "SUDA", (Role.MEMBER,)),
    ("principal.soochow", "演示负责人·苏大", "SUDA", (Role.MEMBER,)),
    ("deputy.soochow", "演示副负责人·苏大", "SUDA", (Role.MEMBER,)),
)  # fmt: skip

# code, name, institution, principal, researcher, consent needed above
PROJECTS = (
    ("SZ-001", "演示项目：高温合金", "DEMO-SZ", "principal.suzhou", "researcher.suzhou", None),
    ("SZ-002", "演示项目：薄膜器件", "DEMO-SZ", "principal.suzhou", "researcher.suzhou", 50),
    ("SH-001", "演示项目：生物制药", "DEMO-SH", "principal.shanghai", "researcher.shanghai", None),
    ("WJ-001", "演示项目：光电薄膜", "DEMO-WJ", "principal.wujiang", "researcher.wujiang", None),
    ("FDU-001", "演示项目：催化材料", "FDU", "principal.fudan", "researcher.fudan", None),
    ("SUDA-001", "演示项目：界面输运", "SUDA", "principal.soochow", "student.soochow", None),
)  # fmt: skip

# holder, its programmes
ALLOTMENTS = (
    ("DEMO-SZ", ("HU-SU", "SZ-INSTR", "G60-INSTR")),
    ("DEMO-SH", ("HU-SU", "SH-KJCXQ")),
    ("DEMO-WJ", ("DEMOZONE", "HU-SU", "G60-INSTR")),
)

RESEARCHERS = ("researcher.suzhou", "researcher.shanghai", "researcher.wujiang", "researcher.fudan")
STAFFED = ("FDU", "SUDA", "NANOX")
STAFF = {"FDU": "manager.fudan", "SUDA": "manager.soochow", "NANOX": "manager.nanox"}
OFFICES = {"FDU": "billing.fudan", "SUDA": "billing.soochow", "NANOX": "billing.nanox"}
# Who may consent in a principal's place, by project.
DEPUTIES = {"SUDA-001": "deputy.soochow"}


@dataclass
class People:
    """Who is who, by account name without the domain, institution code and project code."""

    users: dict[str, User]
    institutions: dict[str, Institution]
    projects: dict[str, Project]


def make_people(*, at: datetime) -> People:
    """The organisations, accounts, projects and training of the demo."""
    regions = {region.code: region for region in Region.objects.all()}
    Institution.objects.bulk_create(
        Institution(
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            kind=kind,
            region=regions[region],
            lineage=[code],
            is_demo=True,
        )
        for code, name_zh, name_en, kind, region in ORGANISATIONS
    )
    institutions = {one.code: one for one in Institution.objects.all()}
    enter_details(institutions)
    # One hash for all of them: the password is public, and hashing takes a third of a second.
    password = make_password(PASSWORD)
    users = {
        account: User(email=f"{account}@{DOMAIN}", full_name=name, password=password, created_at=at)
        for account, name, _, _ in ACCOUNTS
    }
    users["admin"] = User(
        email=f"admin@{DOMAIN}",
        full_name="演示管理员",
        password=password,
        is_staff=True,
        is_superuser=True,
        created_at=at,
    )
    User.objects.bulk_create(users.values())
    Membership.objects.bulk_create(
        Membership(user=users[account], institution=institutions[code], role=role)
        for account, _, code, roles in ACCOUNTS
        for role in roles
    )
    projects = _make_projects(users, institutions, at=at)
    _train(users, at=at)
    return People(users, institutions, projects)


def _make_projects(
    users: dict[str, User], institutions: dict[str, Institution], *, at: datetime
) -> dict[str, Project]:
    projects = {
        code: Project(
            code=code,
            name=name,
            institution=institutions[institution],
            principal=users[principal],
            consent_above=consent_above,
            valid_from=date(at.year - 1, 1, 1),
        )
        for code, name, institution, principal, _, consent_above in PROJECTS
    }
    Project.objects.bulk_create(projects.values())
    ProjectMember.objects.bulk_create(
        ProjectMember(project=projects[code], user=users[researcher])
        for code, _, _, _, researcher, _ in PROJECTS
    )
    ProjectMember.objects.bulk_create(
        ProjectMember(project=projects[code], user=users[deputy], is_deputy=True)
        for code, deputy in DEPUTIES.items()
    )
    return projects


def _train(users: dict[str, User], *, at: datetime) -> None:
    """The four researchers are qualified on everything."""
    Qualification.objects.bulk_create(
        Qualification(user=users[name], instrument=instrument, granted_at=at)
        for instrument in Instrument.objects.all()
        for name in RESEARCHERS
    )
