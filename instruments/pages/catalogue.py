"""The catalogue: search box, facets with counts, results; everything in the address."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from institutions.models import Alliance, Institution, Region
from institutions.pages.htmx import wants_fragment
from institutions.pages.paging import paged
from instruments import queries
from instruments.facets import facets
from instruments.models import AccessMode, Category, Field
from instruments.pages.forms import CatalogueForm
from instruments.queries import Filters
from kernel import clock
from kernel.refusals import Malformed

PER_PAGE = 20
FACETS: dict[str, str | Promise] = {
    "region": _("City"),
    "category": _("Class"),
    "field": _("Field"),
    "access_mode": _("Kind of access"),
}
NARROWED = ("region", "alliance", "institution", "category", "field", "technique", "access_mode")


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """A filter that names nothing is left out and said so; the rest still narrows the list."""
    form = CatalogueForm(request.GET)
    filters = form.filters() if form.is_valid() else Filters()
    at, unknown = clock.now(), []
    try:
        found = queries.catalogue(filters, at=at)
    except Malformed as error:
        unknown = [getattr(filters, name) for name in error.errors]
        filters = replace(filters, **dict.fromkeys(error.errors, ""))
        found = queries.catalogue(filters, at=at)
    counts = facets(found)
    context: dict[str, Any] = {
        "form": form,
        "filters": filters,
        "unknown": unknown,
        "facets": [
            {"name": name, "title": title, "rows": counts[name]}
            for name, title in FACETS.items()
            if not getattr(filters, name)
        ],
        "picked": _picked(filters, counts),
        **paged(request, found, per_page=PER_PAGE),
    }
    part = "#results" if wants_fragment(request) else ""
    response = render(request, f"instruments/catalogue.html{part}", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _picked(filters: Filters, counts: dict[str, list[dict[str, Any]]]) -> list[dict[str, str]]:
    """The filters that are on, each with its name in the reader's language."""
    found = []
    for name in NARROWED:
        value = getattr(filters, name)
        if value:
            row = next((row for row in counts.get(name, []) if row["code"] == value), None)
            label = row["name"] if row else _name(name, value)
            found.append({"name": name, "value": value, "label": label})
    return found


def _name(kind: str, code: str) -> str:
    """The name behind a code that no facet row carries (a district, a tree of institutions)."""
    match kind:
        case "field":
            return str(Field(code).label)
        case "access_mode":
            return str(AccessMode(code).label)
        case "technique":
            return code
    tables: dict[str, Any] = {
        "region": Region,
        "alliance": Alliance,
        "institution": Institution,
        "category": Category,
    }
    row = tables[kind].objects.filter(code=code).first()
    return str(row) if row else code
