"""A table as a file."""

from django.utils.translation import gettext_lazy, override

from billing.pages.downloads import csv_file


def test_a_file_speaks_the_language_that_it_was_asked_for_in() -> None:
    """It is sent when the request, and its language with it, is over."""
    with override("zh-hans"):
        response = csv_file("books", [gettext_lazy("Booking")], [[gettext_lazy("Charge")]])
    with override("en"):
        text = b"".join(response).decode("utf-8-sig")  # type: ignore[arg-type]
    assert text.split() == ["预约", "费用"]
