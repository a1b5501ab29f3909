"""What a file is by its content, not by its name. Pure."""

LARGEST = 10_000_000  # bytes
# How each kind begins, and how it ends: a file that was cut off is none.
_KINDS: dict[str, tuple[bytes, bytes]] = {
    "application/pdf": (b"%PDF-", b"%%EOF"),
    "image/png": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
    "image/jpeg": (b"\xff\xd8\xff", b"\xff\xd9"),
}
# A PDF may have some bytes after its end mark.
_TAIL = 1024
SUFFIXES = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


def media_type_of(content: bytes) -> str | None:
    """`application/pdf`, `image/png` or `image/jpeg`; None for anything else."""
    for media_type, (start, end) in _KINDS.items():
        if content.startswith(start) and end in content[len(start) :][-_TAIL:]:
            return media_type
    return None
