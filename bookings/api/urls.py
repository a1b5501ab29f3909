from django.urls import URLPattern, URLResolver, path

from bookings.api import bookings, free, requests, runs, time, verbs

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/", free.FreeInstrumentList.as_view(), name="api_instruments"),
    path("free-slots/", free.FreeSlots.as_view(), name="api_free_slots"),
    path(
        "instruments/<str:code>/calendar/",
        time.InstrumentCalendar.as_view(),
        name="instrument_calendar",
    ),
    path("instruments/<str:code>/free/", time.InstrumentFree.as_view()),
    path("timeline/", time.Timeline.as_view()),
    path("bookings/", bookings.BookingList.as_view()),
    path("bookings/<str:reference>/", bookings.BookingDetail.as_view()),
    path("bookings/<str:reference>/approve/", verbs.Approve.as_view()),
    path("bookings/<str:reference>/consent/", verbs.Consent.as_view()),
    path("bookings/<str:reference>/decline/", verbs.Decline.as_view()),
    path("bookings/<str:reference>/cancel/", verbs.Cancel.as_view()),
    path("bookings/<str:reference>/check-in/", verbs.CheckIn.as_view()),
    path("bookings/<str:reference>/complete/", verbs.Complete.as_view()),
    path("bookings/<str:reference>/no-show/", verbs.NoShow.as_view()),
    path("requests/", requests.RequestList.as_view()),
    path("requests/<str:reference>/", requests.RequestDetail.as_view()),
    path("requests/<str:reference>/withdraw/", requests.WithdrawRequest.as_view()),
    path("requests/<str:reference>/decline/", requests.DeclineRequest.as_view()),
    path("requests/<str:reference>/grant/", requests.GrantRequest.as_view()),
    path("requests/<str:reference>/samples/", requests.MoveSamples.as_view()),
    path("runs/", runs.RunList.as_view()),
    path("allocations/", runs.AllocationList.as_view()),
    path("allocations/<str:reference>/", runs.AllocationDetail.as_view()),
    path("allocations/<str:reference>/change/", runs.ChangeAllocation.as_view()),
    path("allocations/<str:reference>/end/", runs.EndAllocation.as_view()),
]
