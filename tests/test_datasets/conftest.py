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


@pytest.fixture
def csv_root(tmp_path):
    """A `FERCsv` of four images, all happy, not written like the files."""
    folder = tmp_path / 'data' / 'own'
    folder.mkdir(parents=True)
    rows = ['path,label']
    for i in range(4):
        (folder / f'{i}.jpg').touch()
        rows.append(f'./{i}.jpg,happy')
    (folder / 'labels.csv').write_text('\n'.join(rows))
    return folder
