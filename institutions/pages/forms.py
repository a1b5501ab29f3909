"""The shape of what the pages about people send."""

from django import forms
from django.conf import settings


class LanguageForm(forms.Form):
    """A language, and the address within this site to go back to."""

    language = forms.ChoiceField(choices=settings.LANGUAGES)
    next = forms.CharField(required=False, max_length=2000)
