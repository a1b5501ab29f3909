"""Background jobs, each a call of an action."""

from procrastinate.contrib.django import app

from instruments.models import Instrument
from instruments.search import refresh_search


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="refresh_catalogue_search", pass_context=False)
def refresh_catalogue_search(timestamp: int) -> None:
    """Every night: an institution that was renamed is found by its new name. Writes only what
    differs; whoever changes an instrument refreshes it at once."""
    refresh_search(Instrument.objects.values_list("pk", flat=True))
