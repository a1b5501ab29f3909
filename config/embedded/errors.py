"""What goes wrong with the embedded database, in words for the person who started it."""


class EmbeddedError(RuntimeError):
    """The embedded database cannot be started, stopped or reached; the message says what to do."""
