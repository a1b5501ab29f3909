from django.urls import URLPattern, URLResolver, path

from instruments.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("regions/", views.RegionList.as_view(), name="api_regions"),
    path("alliances/", views.AllianceList.as_view(), name="api_alliances"),
    path("categories/", views.CategoryList.as_view(), name="api_categories"),
    path("institutions/", views.InstitutionList.as_view(), name="api_institutions"),
]
