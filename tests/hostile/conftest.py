import pytest

from tests.support.outside_files import write_outside_files


@pytest.fixture(scope="session")
def outside_files(tmp_path_factory):
    """A small valid file of each kind that the package reads, by kind."""
    return write_outside_files(tmp_path_factory.mktemp("outside_files"))
