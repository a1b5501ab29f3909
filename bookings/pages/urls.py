from django.urls import URLPattern, URLResolver, path

from bookings.pages import closures, facility, instrument, mine

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<str:code>/", instrument.show, name="instrument_page"),
    path("bookings/", mine.bookings, name="my_bookings"),
    path("facility/<str:institution>/approvals/", facility.approvals, name="approvals"),
    path("facility/<str:institution>/bookings/", facility.bookings, name="facility_bookings"),
    path("facility/<str:institution>/closures/", closures.closures, name="closures"),
    path(
        "facility/<str:institution>/closures/<str:reference>/lift/",
        closures.lift,
        name="lift_closure",
    ),
]
