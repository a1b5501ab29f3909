from django.urls import URLPattern, URLResolver, path

from instruments.api import calendars, configurations, qualifications, questions, training, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<str:code>/questions/", questions.InstrumentQuestions.as_view()),
    path("question-sets/", questions.QuestionSetList.as_view()),
    path("question-sets/<int:pk>/", questions.QuestionSetDetail.as_view()),
    path("question-sets/<int:pk>/versions/", questions.QuestionSetVersions.as_view()),
    path("question-sets/<int:pk>/end/", questions.QuestionSetEnd.as_view()),
    path("instruments/<slug:code>/configurations/", configurations.ConfigurationList.as_view()),
    path(
        "instruments/<slug:code>/configurations/<str:configuration>/",
        configurations.ConfigurationDetail.as_view(),
    ),
    path("regions/", views.RegionList.as_view(), name="api_regions"),
    path("alliances/", views.AllianceList.as_view(), name="api_alliances"),
    path("categories/", views.CategoryList.as_view(), name="api_categories"),
    path("qualifications/", qualifications.QualificationList.as_view()),
    path("qualifications/<int:pk>/end/", qualifications.EndQualification.as_view()),
    path("qualification-requests/", training.QualificationRequestList.as_view()),
    path("qualification-requests/<str:reference>/grant/", training.GrantRequest.as_view()),
    path("qualification-requests/<str:reference>/decline/", training.DeclineRequest.as_view()),
    path("recognitions/", training.RecognitionList.as_view()),
    path("recognitions/<int:pk>/end/", training.EndRecognition.as_view()),
    path("institutions/", views.InstitutionList.as_view(), name="api_institutions"),
    path("opening-calendars/", calendars.OpeningCalendarList.as_view()),
    path("opening-calendars/<str:slug>/", calendars.OpeningCalendarDetail.as_view()),
    path("opening-calendars/<str:slug>/hours/", calendars.OpeningCalendarHours.as_view()),
    path("opening-calendars/<str:slug>/exceptions/", calendars.ExceptionList.as_view()),
    path("opening-calendars/<str:slug>/exceptions/<int:pk>/", calendars.ExceptionDetail.as_view()),
]
