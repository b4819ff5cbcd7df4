"""Fixtures of the integration tests: `reeve(...)` makes and starts a daemon of its own."""

import contextlib
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import reeve as harness  # noqa: E402  the path comes first


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the long loops too")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: a long loop, only with --long")
    config.addinivalue_line("markers", "root: needs to become another user")


def pytest_collection_modifyitems(config, items):
    """Long loops are left out, not skipped: a skipped test is one that should have run."""
    if not config.getoption("--long"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="only root can start a process as another user"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.has_failed = outcome.get_result().failed


@pytest.fixture
def reeve(request):
    """reeve(pools, conf, environment, prefix) - a started daemon; all are stopped and checked after"""
    with contextlib.ExitStack() as daemons:

        def finish(daemon):
            if getattr(request.node, "has_failed", True):
                print(f"---- reeved of {daemon.folder}:\n{daemon.all_text()[-20000:]}")
            daemon.close()

        def make(pools=None, start=True, **options):
            daemon = harness.Daemon(pools or {}, **options)
            daemons.callback(finish, daemon)
            return daemon.start() if start else daemon

        yield make
