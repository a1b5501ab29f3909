"""The shape of what the catalogue page is asked."""

from django import forms
from django.utils.translation import gettext_lazy as _

from instruments.queries import LONGEST_SEARCH, Filters

SORTING = (
    ("", _("Best match")),
    ("name", _("Name")),
    ("price", _("Cheapest first")),
    ("-price", _("Dearest first")),
    ("institution", _("Institution")),
)


class CatalogueForm(forms.Form):
    """Search words, filters and ordering, all of them in the address."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": _("Instrument, model, technique, institution")}
        ),
    )
    ordering = forms.ChoiceField(label=_("Order"), choices=SORTING, required=False)
    region = forms.CharField(required=False, max_length=6)
    alliance = forms.CharField(required=False, max_length=20)
    institution = forms.CharField(required=False, max_length=20)
    category = forms.CharField(required=False, max_length=4)
    field = forms.CharField(required=False, max_length=40)
    technique = forms.CharField(required=False, max_length=120)
    access_mode = forms.CharField(required=False, max_length=20)

    def filters(self) -> Filters:
        return Filters(**self.cleaned_data)
