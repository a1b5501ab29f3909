import pytest

from institutions.models import Institution
from instruments.models import Instrument
from instruments.search import Search
from instruments.tasks import refresh_catalogue_search
from tests import factories as f


@pytest.mark.django_db
def test_an_institution_that_was_renamed_is_found_after_the_night() -> None:
    made = f.InstrumentFactory(price=False)
    Institution.objects.update(name_en="Renamed Academy")
    refresh_catalogue_search(timestamp=0)
    assert Instrument.objects.filter(Search("renamed academy").matches()).get() == made
