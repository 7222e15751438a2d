"""A ``conftest.py`` for tests that were written from what was seen: each has a context of its own in one browser.

A browser takes longer to start than most of the tests take. One that a test starts itself is in ``test_play.py``.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from playwright import sync_api

browser = None
start = sync_api.sync_playwright


@contextmanager
def one():
    def launch(**options):
        context = browser.new_context()
        return SimpleNamespace(new_page=context.new_page, close=context.close)

    yield SimpleNamespace(chromium=SimpleNamespace(launch=launch))


sync_api.sync_playwright = one


@pytest.fixture(scope="session", autouse=True)
def started():
    global browser  # noqa: PLW0603
    with start() as playwright:
        arguments = os.environ["CHROMIUM_ARGS"].split()
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=arguments)
        yield
        browser.close()
