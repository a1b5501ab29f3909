from django.urls import URLPattern, URLResolver, include, path

from institutions.pages import language

urlpatterns: list[URLPattern | URLResolver] = [
    path("language/", language.choose, name="choose_language"),
    path("account/", include("allauth.account.urls")),
]
