from django.urls import URLPattern, URLResolver, path

from bookings.pages import (
    allocations,
    closures,
    facility,
    instrument,
    mine,
    my_requests,
    my_training,
    problems,
    request_queue,
    today,
    trained,
    training,
    usage,
    violations,
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
    path("account/training/", my_training.overview, name="my_training"),
    path("account/training/ask/", my_training.ask, name="ask_qualification"),
    path(
        "account/training/violations/<str:reference>/",
        my_training.object_to,
        name="appeal_violation",
    ),
    path("account/training/<str:reference>/<slug:verb>/", my_training.place, name="training_place"),
    path("facility/<str:institution>/training/", training.overview, name="facility_training"),
    path("facility/<str:institution>/training/plan/", training.plan, name="plan_training"),
    path("facility/<str:institution>/training/grant/", trained.grant, name="grant_qualification"),
    path(
        "facility/<str:institution>/training/qualifications/<int:pk>/end/",
        trained.end,
        name="end_qualification",
    ),
    path(
        "facility/<str:institution>/training/requests/<str:reference>/",
        trained.decide,
        name="decide_qualification",
    ),
    path(
        "facility/<str:institution>/training/recognitions/",
        trained.recognise,
        name="recognise_training",
    ),
    path(
        "facility/<str:institution>/training/recognitions/<int:pk>/end/",
        trained.end_recognising,
        name="end_recognition",
    ),
    path(
        "facility/<str:institution>/training/<str:reference>/",
        training.session,
        name="training_session",
    ),
    path(
        "facility/<str:institution>/training/<str:reference>/cancel/",
        training.cancel,
        name="cancel_training",
    ),
    path("facility/<str:institution>/violations/", violations.overview, name="violations"),
    path(
        "facility/<str:institution>/violations/record/", violations.record, name="record_violation"
    ),
    path("facility/<str:institution>/violations/rule/", violations.set_rule, name="set_rule"),
    path(
        "facility/<str:institution>/violations/<str:reference>/",
        violations.answer,
        name="answer_violation",
    ),
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
