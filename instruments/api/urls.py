from django.urls import URLPattern, URLResolver, path

from instruments.api import questions, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<slug:code>/", views.InstrumentDetail.as_view(), name="api_instrument"),
    path("instruments/<str:code>/questions/", questions.InstrumentQuestions.as_view()),
    path("question-sets/", questions.QuestionSetList.as_view()),
    path("question-sets/<int:pk>/", questions.QuestionSetDetail.as_view()),
    path("question-sets/<int:pk>/versions/", questions.QuestionSetVersions.as_view()),
    path("question-sets/<int:pk>/end/", questions.QuestionSetEnd.as_view()),
    path("regions/", views.RegionList.as_view(), name="api_regions"),
    path("alliances/", views.AllianceList.as_view(), name="api_alliances"),
    path("categories/", views.CategoryList.as_view(), name="api_categories"),
    path("institutions/", views.InstitutionList.as_view(), name="api_institutions"),
]
