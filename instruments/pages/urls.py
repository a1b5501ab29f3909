from django.urls import URLPattern, URLResolver, path

from instruments.pages import catalogue

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/", catalogue.catalogue, name="catalogue"),
]
