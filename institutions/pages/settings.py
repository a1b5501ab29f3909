"""A person's own settings."""

from typing import Any, cast

from django import forms
from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from institutions.actions.choose_settings import choose_settings
from institutions.middleware import remember_language
from institutions.models import User


class SettingsForm(forms.ModelForm):
    """What may be done with one's bookings, and in which language one reads."""

    class Meta:
        model = User
        fields = ["allows_moves", "language"]
        help_texts = {
            "allows_moves": gettext_lazy(
                "Otherwise they are cancelled without a fee, and other times are offered to you."
            )
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        languages = cast(forms.ChoiceField, self.fields["language"])
        languages.choices = [("", gettext_lazy("As my browser asks")), *django_settings.LANGUAGES]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show and change them."""
    user = cast(User, request.user)
    form = SettingsForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        chosen = choose_settings(by=user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        response = redirect("account_settings")
        if chosen.language:
            remember_language(response, chosen.language)
        return response
    status = 422 if form.errors else 200
    return render(request, "institutions/settings.html", {"form": form}, status=status)
