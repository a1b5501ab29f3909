"""References that are short, unguessable and can be read out on the phone."""

import secrets

# No 0/O, 1/I/L, U/V: what is heard or read badly is left out.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"


def new_reference(prefix: str) -> str:
    """`BK-7Q4K-2MX9`: 29^8 ≈ 5 × 10^11 possibilities per prefix."""
    letters = [secrets.choice(_ALPHABET) for _ in range(8)]
    return f"{prefix}-{''.join(letters[:4])}-{''.join(letters[4:])}"
