"""Background jobs, each a call of an action."""

from procrastinate.contrib.django import app

from bookings.actions.expire import expire_overdue
from bookings.actions.no_show import mark_unattended
from kernel import clock


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="expire_overdue", pass_context=False)
def expire_overdue_bookings(timestamp: int) -> None:
    """Every five minutes; nothing depends on its running in time."""
    expire_overdue(at=clock.now())


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="mark_unattended", pass_context=False)
def mark_unattended_bookings(timestamp: int) -> None:
    """Every five minutes: no-shows on the instruments that say after how long nobody came."""
    mark_unattended(at=clock.now())
