"""Background jobs, each a call of an action."""

from procrastinate.contrib.django import app

from bookings.actions.expire import expire_overdue
from kernel import clock


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="expire_overdue", pass_context=False)
def expire_overdue_bookings(timestamp: int) -> None:
    """Every five minutes; nothing depends on its running in time."""
    expire_overdue(at=clock.now())
