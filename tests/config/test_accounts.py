"""The accounts that `script/server` shows are accounts of the demo."""

from config.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from demo import people


def test_every_account_that_is_shown_can_sign_in_to_the_demo() -> None:
    names = {account[0] for account in people.ACCOUNTS} | {"admin"}
    assert {email for email, _ in DEMO_ACCOUNTS} <= {f"{name}@{people.DOMAIN}" for name in names}
    assert people.PASSWORD == DEMO_PASSWORD
