"""Words for what quotes and charges store as codes."""

from django import template

from billing import wording

register = template.Library()
register.filter("line_word", wording.line)
register.filter("unit_word", wording.unit)
