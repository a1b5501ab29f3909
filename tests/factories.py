"""Factories, and the cast that the tests talk about."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import factory
import pgtrigger
from django.contrib.auth.hashers import make_password
from django.db.backends.postgresql.psycopg_any import DateRange
from factory.django import DjangoModelFactory

from institutions.models import (
    Institution,
    Membership,
    Project,
    ProjectMember,
    Region,
    Role,
    User,
    VatRate,
)
from instruments.models import Category, Instrument, OpeningCalendar, Qualification, Tariff
from instruments.models.tariff import UserClass

# A Monday; 08:00 in Shanghai. Tests count from here unless they say otherwise.
MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
PASSWORD = "demo-demo"


@cache
def hashed_password() -> str:
    """Hashed once: the real hasher takes a third of a second."""
    return make_password(PASSWORD)


def region(code: str) -> Region:
    """The region with this code, made with its ancestors where missing."""
    known = Region.objects.filter(code=code).first()
    if known:
        return known
    parents = {
        "100000": ("", "country", "中国", "China"),
        "310000": ("100000", "city", "上海市", "Shanghai"),
        "310115": ("310000", "district", "浦东新区", "Pudong New Area"),
        "310110": ("310000", "district", "杨浦区", "Yangpu District"),
        "310118": ("310000", "district", "青浦区", "Qingpu District"),
        "320000": ("100000", "province", "江苏省", "Jiangsu"),
        "320500": ("320000", "city", "苏州市", "Suzhou"),
        "320509": ("320500", "district", "吴江区", "Wujiang District"),
        "320571": ("320500", "district", "苏州工业园区", "Suzhou Industrial Park"),
        "330000": ("100000", "province", "浙江省", "Zhejiang"),
        "330100": ("330000", "city", "杭州市", "Hangzhou"),
    }
    parent_code, level, name_zh, name_en = parents[code]
    parent = region(parent_code) if parent_code else None
    made = Region.objects.create(
        code=code,
        parent=parent,
        level=level,
        name_zh=name_zh,
        name_en=name_en,
        lineage=[*(parent.lineage if parent else []), code],
        city=parent.city if parent and level == "district" else None,
    )
    if level == "city":
        made.city = made
        made.save()
    return made


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.test")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.LazyFunction(hashed_password)


class InstitutionFactory(DjangoModelFactory[Institution]):
    class Meta:
        model = Institution

    code = factory.Sequence(lambda n: f"INST{n}")
    name_zh = factory.LazyAttribute(lambda o: f"机构 {o.code}")
    name_en = factory.LazyAttribute(lambda o: f"Institution {o.code}")
    kind = "university"
    region = factory.LazyFunction(lambda: region("310110"))

    @factory.lazy_attribute
    def lineage(self) -> list[str]:
        parent = getattr(self, "parent", None)
        return [*(parent.lineage if parent else []), self.code]


def vat_rate(institution: Institution, rate: Decimal, first: date | None = None) -> VatRate:
    """A VAT rate from the day `first` on, or since ever."""
    return VatRate.objects.create(institution=institution, rate=rate, valid=DateRange(first, None))


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    institution = factory.SubFactory(InstitutionFactory)
    role = Role.MEMBER


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    institution = factory.SubFactory(InstitutionFactory)
    code = factory.Sequence(lambda n: f"P-{n:03}")
    name = factory.LazyAttribute(lambda o: f"Project {o.code}")
    principal = factory.SubFactory(UserFactory)
    valid_from = date(2025, 1, 1)


def category(code: str = "0102") -> Category:
    parent, _ = Category.objects.get_or_create(
        code=code[:2], defaults={"name_zh": "分析仪器", "name_en": "Analytical instruments"}
    )
    made, _ = Category.objects.get_or_create(
        code=code,
        defaults={"name_zh": "质谱仪器", "name_en": "Mass spectrometry", "parent": parent},
    )
    return made


class InstrumentFactory(DjangoModelFactory[Instrument]):
    """Self-service, open around the clock, no training needed, ¥1,000 per hour."""

    class Meta:
        model = Instrument
        skip_postgeneration_save = True

    code = factory.Sequence(lambda n: f"INS-{n:03}")
    institution = factory.SubFactory(InstitutionFactory)
    name_zh = factory.LazyAttribute(lambda o: f"仪器 {o.code}")
    name_en = factory.LazyAttribute(lambda o: f"Instrument {o.code}")
    category = factory.LazyFunction(category)
    field = "materials"
    original_value = Decimal(1_000_000)
    access_mode = "self_service"
    attendance = "none"
    approval = "automatic"
    needs_qualification = False

    @factory.post_generation
    def price(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        """`price=Decimal(...)` sets the hourly industry price; `price=False` makes no tariff."""
        if extracted is False:
            return
        full = Decimal(1000) if extracted is None else Decimal(extracted)
        for user_class, share in (
            (UserClass.INTERNAL, "0.40"),
            (UserClass.ACADEMIC, "0.60"),
            (UserClass.INDUSTRY, "1.00"),
            (UserClass.FOREIGN, "1.00"),
        ):
            Tariff.objects.create(
                instrument=self,
                user_class=user_class,
                unit="hour",
                unit_price=full * Decimal(share),
                valid=(date(2025, 1, 1), None),
            )


class QualificationFactory(DjangoModelFactory[Qualification]):
    class Meta:
        model = Qualification

    user = factory.SubFactory(UserFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    granted_at = MONDAY


class OpeningCalendarFactory(DjangoModelFactory[OpeningCalendar]):
    class Meta:
        model = OpeningCalendar

    slug = factory.Sequence(lambda n: f"calendar-{n}")
    name = factory.LazyAttribute(lambda o: o.slug)


def reprice(tariffs: Any = None, /, **terms: Any) -> None:
    """Other terms on these tariffs (default: all), as if they had been published so."""
    with pgtrigger.ignore("instruments.Tariff:tariff_terms_stay"):
        (Tariff.objects.all() if tariffs is None else tariffs).update(**terms)


def person(institution: Institution, role: str = Role.MEMBER, **fields: Any) -> User:
    """A new person with one role at `institution`."""
    user = UserFactory(**fields)
    MembershipFactory(user=user, institution=institution, role=role)
    return user


def project(institution: Institution, *members: User, **fields: Any) -> Project:
    """A project of `institution`; the first member leads it, the others may book on it."""
    made = ProjectFactory(institution=institution, principal=members[0], **fields)
    for member in members[1:]:
        ProjectMember.objects.create(project=made, user=member)
    return made
