"""Words for what the catalogue stores as codes."""

from django import template

from instruments.models.tariff import Unit

register = template.Library()


@register.filter
def unit(code: str) -> str:
    """`hour` in the reader's language; a code that is none stands as it is."""
    return str(Unit(code).label) if code in Unit.values else code
