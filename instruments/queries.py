"""Reads of the catalogue for pages and API."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    DateField,
    DateTimeField,
    F,
    Func,
    Model,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from institutions.models import Alliance, Institution, Region
from instruments.facets import facets as facets
from instruments.models import (
    AccessMode,
    Category,
    Field,
    Instrument,
    InstrumentStatus,
    Tariff,
    UserClass,
)
from instruments.search import Search
from kernel.refusals import Malformed

LONGEST_SEARCH = 200
ORDERINGS = ("relevance", "name", "-name", "price", "-price", "institution", "-institution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the catalogue is narrowed to; an empty text leaves a filter out."""

    q: str = ""
    region: str = ""
    alliance: str = ""
    institution: str = ""
    category: str = ""
    field: str = ""
    technique: str = ""
    access_mode: str = ""
    ordering: str = ""


def catalogue(filters: Filters, *, at: datetime) -> QuerySet[Instrument]:
    """Every instrument that fits and is not retired, ready to be listed without further queries.

    `region` takes in what lies below it, `institution` its tree, `category` a class or a
    sub-class. Rows carry `price_amount` (CNY per `price_unit`, the tariff for industry on the day
    of `at` at the institution, None without one). Without `ordering` the best hit comes first,
    or the smallest code where nothing is searched for. Raises Malformed, by field, for codes that
    are unknown. One query beside the list's own, and only where such a code is given.
    """
    _refuse_unknown(filters)
    found = with_price(Instrument.objects.exclude(status=InstrumentStatus.RETIRED), at=at)
    found = found.filter(_conditions(filters)).select_related(
        "institution__region__city", "category"
    )
    return _ordered(_searched(found, filters.q), filters).defer("search")


def _conditions(filters: Filters) -> Q:
    condition = Q()
    if filters.region:
        condition &= Q(institution__region__lineage__contains=[filters.region])
    if filters.alliance:
        members = Region.objects.filter(alliances__code=filters.alliance)
        condition &= Q(institution__region__lineage__overlap=ArraySubquery(members.values("code")))
    if filters.institution:
        condition &= Q(institution__lineage__contains=[filters.institution])
    if filters.category:
        condition &= Q(category__code__startswith=filters.category)
    if filters.field:
        condition &= Q(field=filters.field)
    if filters.technique:
        condition &= Q(techniques__contains=[filters.technique])
    if filters.access_mode:
        condition &= Q(access_mode=filters.access_mode)
    return condition


def _searched(found: QuerySet[Instrument], text: str) -> QuerySet[Instrument]:
    search = Search(text)
    if search.is_empty():
        unranked = found.annotate(relevance=Value(0.0))
        # Somebody looks for something in which there is no word, so that nothing has it.
        return unranked.none() if text.strip() else unranked
    return found.filter(search.matches()).annotate(relevance=search.rank())


def _ordered(found: QuerySet[Instrument], filters: Filters) -> QuerySet[Instrument]:
    # As `Named.name` has it.
    name = "name_zh" if (get_language() or "zh").startswith("zh") else "name_en"
    column = {"name": name, "institution": f"institution__{name}", "price": "price_amount"}
    ordering = filters.ordering or "relevance"
    if ordering == "relevance":
        return found.order_by(*(["-relevance"] if filters.q.strip() else []), "code")
    key = F(column[ordering.removeprefix("-")])
    way = key.desc(nulls_last=True) if ordering.startswith("-") else key.asc(nulls_last=True)
    return found.order_by(way, "code")


def _refuse_unknown(filters: Filters) -> None:
    """Raises Malformed for values that name nothing: at most one query for all of them."""
    errors: dict[str, list[str | Promise]] = {}
    for name in Filters.__dataclass_fields__:
        if "\x00" in getattr(filters, name):
            errors[name] = [_("Contains characters that are not allowed.")]
    if len(filters.q) > LONGEST_SEARCH:
        errors["q"] = [_("At most %(n)s characters.") % {"n": LONGEST_SEARCH}]
    closed = {"field": Field.values, "access_mode": AccessMode.values, "ordering": ORDERINGS}
    for name, values in closed.items():
        given = getattr(filters, name)
        if given and given not in values:
            errors[name] = [_("Unknown; known are: %(known)s.") % {"known": ", ".join(values)}]
    if not errors:
        errors = {name: [_("Unknown code.")] for name in _unknown_codes(filters)}
    if errors:
        raise Malformed(errors)


def _unknown_codes(filters: Filters) -> set[str]:
    tables: dict[str, type[Model]] = {
        "region": Region,
        "alliance": Alliance,
        "institution": Institution,
        "category": Category,
    }
    given = {name: table for name, table in tables.items() if getattr(filters, name)}
    found = [
        table._default_manager.filter(code=getattr(filters, name))
        .annotate(filter_name=Value(name))
        .order_by()
        .values_list("filter_name", flat=True)
        for name, table in given.items()
    ]
    known = set(found[0].union(*found[1:], all=True)) if found else set()
    return set(given) - known


def with_price(instruments: QuerySet[Instrument], *, at: datetime) -> QuerySet[Instrument]:
    """Adds `price_amount` and `price_unit`: what a company pays on the day of `at` there."""
    day = Func(
        Value(at, output_field=DateTimeField()),
        OuterRef("institution__timezone"),
        template="(%(expressions)s)::date",
        arg_joiner=" AT TIME ZONE ",
        output_field=DateField(),
    )
    published = Tariff.objects.order_by().filter(
        instrument=OuterRef("pk"), user_class=UserClass.INDUSTRY, valid__contains=day
    )
    # The exclusion constraint lets no two be valid on a day; LIMIT says so to the database.
    return instruments.annotate(
        price_amount=Subquery(published.values("unit_price")[:1]),
        price_unit=Subquery(published.values("unit")[:1]),
    )


def instrument_record(*, at: datetime) -> QuerySet[Instrument]:
    """Instruments, retired ones too, with all that their record shows (two queries).

    `current_tariffs` are those valid on the day of `at` (UTC) or later: the published list.
    """
    published = (
        Tariff.objects.select_related("regular_hours")
        .exclude(valid__fully_lt=(at.date(), None))
        .order_by("user_class", "valid")
    )
    return (
        with_price(Instrument.objects.all(), at=at)
        .select_related(
            "institution__region__city", "category", "opening_calendar", "start_calendar"
        )
        .prefetch_related(Prefetch("tariffs", published, to_attr="current_tariffs"))
        .defer("search")
    )
