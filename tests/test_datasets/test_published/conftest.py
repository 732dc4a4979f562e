import pytest


@pytest.fixture
def touch(tmp_path):
    """Function that creates empty files below the data root."""

    def create(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return str(tmp_path)

    return create
