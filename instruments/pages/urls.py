from django.urls import URLPattern, URLResolver, include, path

from instruments.pages import calendar_edit, calendars, catalogue, edit, questions

_calendar: list[URLPattern | URLResolver] = [
    path("", calendars.show, name="facility_calendar"),
    path("edit/", calendar_edit.edit, name="edit_calendar"),
    path("delete/", calendar_edit.delete, name="delete_calendar"),
    path("exceptions/", calendars.exceptions, name="calendar_exceptions"),
    path("exceptions/<int:pk>/remove/", calendars.remove, name="remove_exception"),
    path("instruments/", calendars.assign, name="assign_calendar"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/", catalogue.catalogue, name="catalogue"),
    path("facility/<str:institution>/instruments/", edit.instruments, name="facility_instruments"),
    path(
        "facility/<str:institution>/instruments/<str:code>/edit/",
        edit.edit,
        name="edit_instrument",
    ),
    path("facility/<str:institution>/questions/", questions.sets, name="facility_questions"),
    path("facility/<str:institution>/questions/new/", questions.new, name="new_questions"),
    path(
        "facility/<str:institution>/questions/<int:pk>/version/",
        questions.version,
        name="question_version",
    ),
    path("facility/<str:institution>/questions/<int:pk>/end/", questions.end, name="end_questions"),
    path("facility/<str:institution>/calendars/", calendars.calendars, name="facility_calendars"),
    path("facility/<str:institution>/calendars/new/", calendar_edit.new, name="new_calendar"),
    path("facility/<str:institution>/calendars/<str:slug>/", include(_calendar)),
]
