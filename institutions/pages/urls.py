from django.urls import URLPattern, URLResolver, include, path

from institutions.pages import language, settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("language/", language.choose, name="choose_language"),
    path("account/settings/", settings.settings, name="account_settings"),
    path("account/", include("allauth.account.urls")),
]
