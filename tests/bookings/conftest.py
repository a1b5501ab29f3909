import pytest


@pytest.fixture(autouse=True)
def free_till(settings) -> None:
    """The calendar's own tests need no money: everything costs nothing."""
    settings.BOOKINGS_TILL = ""
