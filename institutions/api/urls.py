from django.urls import URLPattern, URLResolver, path

from institutions.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("tokens/", views.TokenList.as_view(), name="api_tokens"),
    path("tokens/<int:pk>/", views.TokenDetail.as_view(), name="api_token"),
    path("projects/", views.ProjectList.as_view(), name="api_projects"),
]
