"""Puts the apps' pages and endpoints together."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

api: list[URLPattern | URLResolver] = [
    path("", include("institutions.api.urls")),
    path("", include("bookings.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("instruments.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include(api)),
    path("", include("django_prometheus.urls")),
    path("", include("config.pages")),
    path("", include("institutions.pages.urls")),
    path("", include("billing.pages.urls")),
    path("", include("bookings.pages.urls")),
    path("", include("instruments.pages.urls")),
]

handler400 = "config.problems.bad_request"
handler403 = "config.problems.forbidden"
handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
