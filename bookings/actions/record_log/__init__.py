"""What instruments say of their use becomes use."""

from bookings.actions.record_log.reading import NotText, Row, RowError, read_log
from bookings.actions.record_log.receiving import receive_log
from bookings.actions.record_log.recording import Outcome, record_log

__all__ = ["NotText", "Outcome", "Row", "RowError", "read_log", "receive_log", "record_log"]
