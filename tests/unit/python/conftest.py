"""Fixtures of the SDK's tests; `reeve` there is the SDK, not the harness of the integration tests."""

import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "include/python")]
# Last, since the harness has a module named reeve as well.
sys.path.append(str(HERE.parents[1] / "harness"))

from fake_reeve import fake_reeve as make_fake  # noqa: E402  the path comes first


def pytest_configure(config):
    config.addinivalue_line("markers", "long: a long loop, only with --long")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the long loops too")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def fake():
    """fake(threads=4, room=16) - a fake reeved for one worker; its workers are ended after"""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(make_fake(**options))
