"""What the tests of the drawing pad share."""

import pytest

from cnncourse.pad import JS


@pytest.fixture(scope="session")
def digit_page(browser):
    """An empty page with the pad's own digits and what makes images of drawings."""
    page = browser.new_page()
    for name in ("digit.js", "samples.js"):
        page.add_script_tag(path=JS / name)
    yield page
    page.close()
