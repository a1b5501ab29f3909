from django.urls import URLPattern, URLResolver, path

from institutions.api import joining, parties, projects, settings, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("tokens/", views.TokenList.as_view(), name="api_tokens"),
    path("tokens/<int:pk>/", views.TokenDetail.as_view(), name="api_token"),
    path("me/settings/", settings.MySettings.as_view()),
    path("projects/", views.ProjectList.as_view(), name="api_projects"),
    path("projects/<str:institution>/<str:code>/", projects.ProjectDetail.as_view()),
    path(
        "projects/<str:institution>/<str:code>/consent-threshold/",
        projects.ConsentThreshold.as_view(),
    ),
    path("projects/<str:institution>/<str:code>/members/", projects.Members.as_view()),
    path("projects/<str:institution>/<str:code>/members/remove/", projects.RemoveMember.as_view()),
    path("projects/<str:institution>/<str:code>/deputies/", projects.Deputy.as_view()),
    path("related-parties/", parties.RelatedPartyList.as_view()),
    path("related-parties/<int:pk>/", parties.RelatedPartyDetail.as_view()),
    path("controlling-groups/", parties.GroupList.as_view()),
    path("controlling-groups/<int:pk>/members/", parties.GroupMembers.as_view()),
    path("controlling-groups/<int:pk>/members/<str:code>/", parties.GroupMemberDetail.as_view()),
    path("join-requests/", joining.JoinRequestList.as_view()),
    path("join-requests/<int:pk>/accept/", joining.AcceptJoinRequest.as_view()),
    path("join-requests/<int:pk>/decline/", joining.DeclineJoinRequest.as_view()),
    path("join-requests/<int:pk>/withdraw/", joining.WithdrawJoinRequest.as_view()),
]
