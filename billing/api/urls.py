from django.urls import URLPattern, URLResolver, path

from billing.api import (
    books,
    charges,
    consumables,
    contracts,
    documents,
    hours,
    quotes,
    statements,
    tariffs,
    vouchers,
)

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
    path("tariffs/", tariffs.TariffList.as_view()),
    path("tariffs/preview/", tariffs.TariffPreview.as_view()),
    path("contract-prices/", contracts.ContractPriceList.as_view()),
    path("contract-prices/<str:reference>/", contracts.ContractPriceDetail.as_view()),
    path("contract-prices/<str:reference>/approve/", contracts.ApproveContractPrice.as_view()),
    path("contract-prices/<str:reference>/decline/", contracts.DeclineContractPrice.as_view()),
    path("contract-prices/<str:reference>/end/", contracts.EndContractPrice.as_view()),
    path("hour-packages/", hours.HourPackageList.as_view()),
    path("hour-packages/<str:reference>/", hours.HourPackageDetail.as_view()),
    path("consumables/", consumables.ConsumableList.as_view()),
    path(
        "consumables/<str:institution>/<str:code>/prices/", consumables.ConsumablePrices.as_view()
    ),
    path("institutions/<str:code>/billing-details/", consumables.BillingDetails.as_view()),
    path("claimable/", books.ClaimableList.as_view()),
    path("ledger/trial-balance/", books.TrialBalance.as_view()),
]
