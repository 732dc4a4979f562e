import logging

import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def log(caplog):
    """What our logger says; it does not propagate by itself."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)
