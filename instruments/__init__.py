"""WHAT: catalogue, search, tariffs, opening calendars, qualifications, import."""
