"""The standard library's own tests of ThreadPoolExecutor, run on ours.

They are Debian's package libpython3.11-testsuite. Each of their classes runs as one test here, in a
process of its own; scripts that they start get ours in place of the standard one as well."""

import pathlib
import subprocess
import sys

import pytest

SDK = pathlib.Path(__file__).resolve().parents[3] / "include/python"
CLASSES = ["ThreadPoolInitializerTest", "ThreadPoolFailingInitializerTest", "ThreadPoolShutdownTest",
           "ThreadPoolWaitTests", "ThreadPoolAsCompletedTest", "ThreadPoolExecutorTest"]
REPLACE = f"""
import sys
sys.path.insert(0, {str(SDK)!r})
import concurrent.futures, reeve
concurrent.futures.ThreadPoolExecutor = reeve.ThreadPoolExecutor
"""
RUN = REPLACE + f"""
import unittest
from test import test_concurrent_futures as tests
from test.support import script_helper

ok = script_helper.assert_python_ok
tests.assert_python_ok = lambda flag, script: ok(flag, {REPLACE!r} + script)
names = ["test.test_concurrent_futures." + name for name in sys.argv[1:]]
suite = unittest.defaultTestLoader.loadTestsFromNames(names)
assert suite.countTestCases() > 0
assert tests.ThreadPoolMixin.executor_type is reeve.ThreadPoolExecutor
done = unittest.TextTestRunner(verbosity=2).run(suite)
sys.exit(not done.wasSuccessful())
"""


def test_they_are_there():
    """All classes that test thread pools are named above."""
    script = """
from test import test_concurrent_futures as tests
print(*[name for name, value in vars(tests).items() if isinstance(value, type)
        and issubclass(value, tests.ThreadPoolMixin) and issubclass(value, tests.unittest.TestCase)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"install libpython3.11-testsuite: {done.stderr}"
    assert sorted(done.stdout.split()) == sorted(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_class(name, tmp_path):
    done = subprocess.run([sys.executable, "-c", RUN, name], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
