"""The signing key of a checkout that was given none."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config.local_secret import secret_key


def test_makes_a_long_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    file = tmp_path / ".data" / "secret_key"

    key = secret_key(file)

    assert len(key) >= 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_key(file) == key


def test_all_who_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: secret_key(file), range(64)))
    assert len(keys) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["secret_key"]
