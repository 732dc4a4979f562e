import logging

import pytest
from mmengine.logging import MMLogger

from mpafer_plugin.faces import face_crop


@pytest.fixture
def records(monkeypatch):
    """Records that reach MMEngine's logger."""
    records = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handle', records.append)
    return records


def test_modules_without_the_host_log_to_its_logger(records):
    face_crop.logger.warning('once')
    (record,) = records
    assert (record.getMessage(), record.levelno) == ('once', logging.WARNING)


def test_the_level_is_that_of_its_logger(records, monkeypatch):
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, '_cache', {})
    monkeypatch.setattr(logger, 'level', logging.ERROR)
    face_crop.logger.warning('quiet')
    assert not records
