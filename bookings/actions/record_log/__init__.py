"""What instruments say of their use becomes use."""

from bookings.actions.record_log.reading import LONGEST, MOST_LINES, NotText, Row, read_log
from bookings.actions.record_log.recording import Outcome, record_log

__all__ = ["LONGEST", "MOST_LINES", "NotText", "Outcome", "Row", "read_log", "record_log"]
