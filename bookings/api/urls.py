from django.urls import URLPattern, URLResolver, path

from bookings.api import (
    bookings,
    capacity,
    free,
    instruments,
    moves,
    resources,
    time,
    verbs,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/", free.FreeInstrumentList.as_view(), name="api_instruments"),
    path("free-slots/", free.FreeSlots.as_view(), name="api_free_slots"),
    path(
        "instruments/<str:code>/calendar/",
        time.InstrumentCalendar.as_view(),
        name="instrument_calendar",
    ),
    path("instruments/<str:code>/free/", time.InstrumentFree.as_view()),
    path(
        "instruments/<slug:code>/", instruments.BookableInstrument.as_view(), name="api_instrument"
    ),
    path("instruments/<slug:code>/capacity/", capacity.Capacity.as_view()),
    path("accessories/", resources.AccessoryList.as_view()),
    path("accessories/<str:code>/", resources.AccessoryDetail.as_view()),
    path("operators/", resources.OperatorList.as_view()),
    path("operators/<int:pk>/", resources.OperatorDetail.as_view()),
    path("timeline/", time.Timeline.as_view()),
    path("bookings/", bookings.BookingList.as_view()),
    path("bookings/<str:reference>/", bookings.BookingDetail.as_view()),
    path("bookings/<str:reference>/approve/", verbs.Approve.as_view()),
    path("bookings/<str:reference>/consent/", verbs.Consent.as_view()),
    path("bookings/<str:reference>/decline/", verbs.Decline.as_view()),
    path("bookings/<str:reference>/cancel/", verbs.Cancel.as_view()),
    path("bookings/<str:reference>/reschedule/", moves.Reschedule.as_view()),
    path("bookings/<str:reference>/reschedule/preview/", moves.ReschedulePreview.as_view()),
    path("bookings/<str:reference>/operator/", moves.Operator.as_view()),
    path("bookings/<str:reference>/check-in/", verbs.CheckIn.as_view()),
    path("bookings/<str:reference>/complete/", verbs.Complete.as_view()),
    path("bookings/<str:reference>/no-show/", verbs.NoShow.as_view()),
]
