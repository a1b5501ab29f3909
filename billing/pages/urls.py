from django.urls import URLPattern, URLResolver, path

from billing.pages import ask, book, booking, charges, overview, statements

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments/<str:code>/book/", book.book, name="book"),
    path("instruments/<str:code>/quote/", book.quote, name="quote"),
    path("instruments/<str:code>/questions/", book.asks, name="book_questions"),
    path("instruments/<str:code>/request/", ask.ask, name="ask"),
    path("bookings/<str:reference>/", booking.show, name="booking"),
    path("bookings/<str:reference>/<slug:name>/", booking.act, name="booking_act"),
    path("billing/", overview.overview, name="billing"),
    path("billing/claimable/", overview.claimable, name="claimable"),
    path("billing/charges/", charges.charges, name="charges"),
    path("billing/charges/approve/", charges.approve, name="approve_charges"),
    path("billing/statements/", statements.statements, name="statements"),
    path("billing/statements/<str:reference>/", statements.show, name="statement"),
    path("billing/statements/<str:reference>/issue/", statements.issue, name="issue_statement"),
]
