from django.urls import URLPattern, URLResolver, path

from bookings.api import bookings, conduct, free, suspensions, time, training, verbs

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
    path("training-sessions/", training.TrainingList.as_view()),
    path("training-sessions/<str:reference>/", training.TrainingDetail.as_view()),
    path("training-sessions/<str:reference>/sign-up/", training.SignUp.as_view()),
    path("training-sessions/<str:reference>/withdraw/", training.Withdraw.as_view()),
    path("training-sessions/<str:reference>/attendance/", training.Attendance.as_view()),
    path("training-sessions/<str:reference>/cancel/", training.CancelTraining.as_view()),
    path("violations/", conduct.ViolationList.as_view()),
    path("violations/<str:reference>/", conduct.ViolationDetail.as_view()),
    path("violations/<str:reference>/appeal/", conduct.Appeal.as_view()),
    path("violations/<str:reference>/uphold/", conduct.Uphold.as_view()),
    path("violations/<str:reference>/lift/", conduct.Lift.as_view()),
    path("suspensions/", suspensions.SuspensionList.as_view()),
    path("suspension-rules/", suspensions.SuspensionRuleList.as_view()),
]
