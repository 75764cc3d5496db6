"""What every test starts from: one thread, checked shapes, and a cache that is thrown away. Holds no test data."""

import os
import shutil
import tempfile

import torch
from hypothesis import settings
from jaxtyping import install_import_hook

torch.set_num_threads(1)
# Shapes in the annotations of these two folders are checked at every call, in tests only.
install_import_hook(["signseg.modules", "signseg.losses"], "beartype.beartype")
# Examples are the same in every run, and a busy machine is no failure.
settings.register_profile("signseg", deadline=None, derandomize=True)
settings.load_profile("signseg")


def pytest_configure(config):
    """One cache for the whole session: the workers of xdist inherit the environment of the process that starts them."""
    if not hasattr(config, "workerinput"):
        config.cache_folder = os.environ["SIGNSEG_CACHE"] = tempfile.mkdtemp(prefix="signseg-tests-")


def pytest_unconfigure(config):
    if hasattr(config, "cache_folder"):
        shutil.rmtree(config.cache_folder, ignore_errors=True)
