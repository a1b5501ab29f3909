from django.urls import URLPattern, URLResolver, path

from bookings.pages import (
    allocations,
    closures,
    facility,
    instrument,
    mine,
    my_requests,
    request_queue,
)

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
    path("requests/", my_requests.requests, name="my_requests"),
    path("requests/<str:reference>/", my_requests.show, name="service_request"),
    path("requests/<str:reference>/<slug:name>/", my_requests.act, name="service_request_act"),
    path("facility/<str:institution>/requests/", request_queue.queue, name="facility_requests"),
    path(
        "facility/<str:institution>/allocations/",
        allocations.allocations,
        name="facility_allocations",
    ),
]
