from django.urls import URLPattern, URLResolver, path

from bookings.pages import facility, instrument, mine, rules

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<str:code>/", instrument.show, name="instrument_page"),
    path("bookings/", mine.bookings, name="my_bookings"),
    path("facility/<str:institution>/approvals/", facility.approvals, name="approvals"),
    path("facility/<str:institution>/bookings/", facility.bookings, name="facility_bookings"),
    path("facility/<str:institution>/rules/", rules.rules, name="booking_rules"),
    path("facility/<str:institution>/rules/add/", rules.add, name="add_booking_rule"),
    path("facility/<str:institution>/rules/<int:pk>/end/", rules.end, name="end_booking_rule"),
    path(
        "facility/<str:institution>/rules/<int:pk>/replace/",
        rules.replace,
        name="replace_booking_rule",
    ),
]
