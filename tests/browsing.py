"""The system's Chromium for tests of pages; where there is none, or no Playwright, they are skipped and say so."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def browser() -> Iterator:
    """A browser of Playwright's, closed at the end."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: make pages")
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt install chromium, or Google Chrome")
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, as in a container
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if root else [])
        yield started
        started.close()
