from django.urls import URLPattern, URLResolver, path

from instruments.api import configurations, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<slug:code>/configurations/", configurations.ConfigurationList.as_view()),
    path(
        "instruments/<slug:code>/configurations/<str:configuration>/",
        configurations.ConfigurationDetail.as_view(),
    ),
    path("regions/", views.RegionList.as_view(), name="api_regions"),
    path("alliances/", views.AllianceList.as_view(), name="api_alliances"),
    path("categories/", views.CategoryList.as_view(), name="api_categories"),
    path("institutions/", views.InstitutionList.as_view(), name="api_institutions"),
]
