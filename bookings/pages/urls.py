from django.urls import URLPattern, URLResolver, path

from bookings.pages import facility, instrument, mine, problems, today, usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<str:code>/", instrument.show, name="instrument_page"),
    path("bookings/", mine.bookings, name="my_bookings"),
    path("facility/<str:institution>/approvals/", facility.approvals, name="approvals"),
    path("facility/<str:institution>/bookings/", facility.bookings, name="facility_bookings"),
    path("facility/<str:institution>/today/", today.today, name="today"),
    path("facility/<str:institution>/usage/", usage.usage, name="usage"),
    path("facility/<str:institution>/usage/download/", usage.download, name="usage_download"),
    path("facility/<str:institution>/problems/", problems.problems, name="problems"),
    path(
        "facility/<str:institution>/problems/<str:reference>/clear/",
        problems.clear,
        name="clear_problem",
    ),
    path("instruments/<str:code>/report/", problems.report, name="report_problem"),
]
