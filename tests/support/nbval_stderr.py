"""A plugin for the pytest that runs a notebook: what a cell writes to stderr, a warning above all, is a failure."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    stderr = "".join(output.text for output in item.test_outputs if output.get("name") == "stderr")
    assert not stderr, f"the cell writes to stderr:\n{stderr}"
    return result
