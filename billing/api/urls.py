from django.urls import URLPattern, URLResolver, path

from billing.api import books, charges, documents, quotes, statements, vouchers

urlpatterns: list[URLPattern | URLResolver] = [
    path("quotes/", quotes.QuoteView.as_view()),
    path("programmes/", vouchers.ProgrammeList.as_view()),
    path("allotments/", vouchers.AllotmentList.as_view()),
    path("charges/", charges.ChargeList.as_view()),
    path("charges/<str:reference>/", charges.ChargeDetail.as_view()),
    path("charges/<str:reference>/approve/", charges.ApproveCharge.as_view()),
    path("charges/<str:reference>/dispute/", charges.DisputeCharge.as_view()),
    path("charges/<str:reference>/resolve/", charges.ResolveCharge.as_view()),
    path("statements/", statements.StatementList.as_view()),
    path("statements/<str:reference>/", statements.StatementDetail.as_view()),
    path("statements/<str:reference>/issue/", statements.IssueStatement.as_view()),
    path(
        "statements/<str:reference>/document.pdf",
        documents.StatementPdf.as_view(),
        name="statement_pdf",
    ),
    path("claimable/", books.ClaimableList.as_view()),
    path("ledger/trial-balance/", books.TrialBalance.as_view()),
]
