from django.urls import URLPattern, URLResolver, path

from instruments.api import calendars, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<slug:code>/", views.InstrumentDetail.as_view(), name="api_instrument"),
    path("regions/", views.RegionList.as_view(), name="api_regions"),
    path("alliances/", views.AllianceList.as_view(), name="api_alliances"),
    path("categories/", views.CategoryList.as_view(), name="api_categories"),
    path("institutions/", views.InstitutionList.as_view(), name="api_institutions"),
    path("opening-calendars/", calendars.OpeningCalendarList.as_view()),
    path("opening-calendars/<str:slug>/", calendars.OpeningCalendarDetail.as_view()),
    path("opening-calendars/<str:slug>/hours/", calendars.OpeningCalendarHours.as_view()),
    path("opening-calendars/<str:slug>/exceptions/", calendars.ExceptionList.as_view()),
    path("opening-calendars/<str:slug>/exceptions/<int:pk>/", calendars.ExceptionDetail.as_view()),
]
