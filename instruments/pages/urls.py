from django.urls import URLPattern, URLResolver, path

from instruments.pages import catalogue, edit

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/", catalogue.catalogue, name="catalogue"),
    path("facility/<str:institution>/instruments/", edit.instruments, name="facility_instruments"),
    path(
        "facility/<str:institution>/instruments/<str:code>/edit/",
        edit.edit,
        name="edit_instrument",
    ),
]
