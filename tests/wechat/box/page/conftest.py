"""Fixtures: one headless Chromium, and tabs in it. Without a Chromium on PATH the stories are not collected."""

import sys
from collections.abc import Iterator

import pytest

from tests.wechat.box.page import chromium
from tests.wechat.box.page.chromium import Chromium, Page

PROGRAM = chromium.find()
collect_ignore: list[str] = []
if PROGRAM is None:
    collect_ignore += ["test_page_alone.py", "test_page_story.py"]
    print("no Chromium on PATH: the stories of the phone page do not run", file=sys.__stderr__)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The browser process of this worker."""
    browser = Chromium(str(PROGRAM), tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    """A tab of a desktop; it must have nothing to complain about when the test is over."""
    page = browser.page(width=1360, height=860)
    yield page
    complaints = page.complaints()
    page.close()
    assert complaints == []
