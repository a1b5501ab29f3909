"""A real browser on a live server: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import translation
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from institutions.models import User
from tests import factories as f

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A busy machine is slow, not wrong.
expect.set_options(timeout=15_000)
# Whatever is read as text and is many times as high as wide.
_BROKEN_LABELS = """Array.from(document.querySelectorAll("label, legend, tbody th, button, .chip"))
  .filter(one => one.offsetWidth > 1 && one.offsetHeight > 4 * one.offsetWidth)
  .map(one => one.textContent.trim())"""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("The browser tests need Chromium (apt install chromium fonts-noto-cjk).")
    return {**browser_type_launch_args, "executable_path": found, "args": list(_FLAGS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_context_args,
        "viewport": DESK,
        "timezone_id": "Asia/Shanghai",
        "locale": "zh-CN",
    }


@pytest.fixture(scope="session", autouse=True)
def _database_beside_playwright() -> Iterator[None]:
    """Playwright keeps an event loop in this thread, which Django takes for asynchronous code."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Site:
    """The site as one person sees it, in one language."""

    page: Page
    address: str
    language: str
    troubles: list[str] = field(default_factory=list)

    def text(self, source: str, **params: object) -> str:
        """What the pages say for this source text in the reader's language."""
        with translation.override(self.language):
            return translation.gettext(source) % params if params else translation.gettext(source)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")

    def button(self, source: str) -> Locator:
        return self.page.get_by_role("button", name=self.text(source), exact=True)

    def press(self, source: str) -> None:
        self.button(source).click()
        self.settle()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()
        self.settle()

    def sign_in(self, user: User) -> None:
        self.page.context.clear_cookies()
        self.page.context.add_cookies(
            [{"name": "language", "value": self.language, "url": self.address}]
        )
        self.open("/account/login/")
        self.page.locator("#id_login").fill(user.email)
        self.page.locator("#id_password").fill(f.PASSWORD)
        self.page.locator("main").get_by_role("button", name=self.text("Sign in")).click()
        self.settle()

    def is_fine(self) -> None:
        """Nothing serious in the eyes of axe, no sideways scrolling on a phone, a quiet console."""
        found = Axe().run(self.page).response["violations"]
        grave = [
            f"{rule['id']}: {node['html'][:200]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
        assert grave == [], f"{self.page.url}: {grave}"
        self.page.set_viewport_size(PHONE)
        width = self.page.evaluate("document.documentElement.scrollWidth")
        broken = self.page.evaluate(_BROKEN_LABELS)
        self.page.set_viewport_size(DESK)
        assert width <= PHONE["width"], f"{self.page.url} is {width} px wide on a phone"
        assert broken == [], f"{self.page.url}: {broken} stand one letter to a line"
        assert self.troubles == [], self.page.url

    def hear(self, message: ConsoleMessage) -> None:
        # A page left while its quote is on the way aborts it; a failure says what it was as well.
        aborted = message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if message.type in ("error", "warning") and not aborted:
            self.troubles.append(message.text)


@pytest.fixture
def site(request: pytest.FixtureRequest, page: Page, live_server: Any) -> Site:
    """In Chinese, unless the test is parametrised with another `site` language."""
    made = Site(page, live_server.url, getattr(request, "param", "zh-hans"))
    page.on("console", made.hear)
    page.on("pageerror", lambda error: made.troubles.append(str(error)))
    return made
