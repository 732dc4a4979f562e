"""Messages of modules that also run without the host, in the host's log."""

import logging

from mmengine.logging import MMLogger


class _HostLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logger = MMLogger.get_current_instance()
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


def forward_log(package: str) -> None:
    """Let the modules of a package log to MMEngine's current logger.

    Args:
        package (str): Its name, of which those of ``logging.getLogger`` in
            its modules begin.
    """
    logger = logging.getLogger(package)
    logger.propagate = False  # as MMLogger does not
    logger.setLevel(logging.DEBUG)  # MMEngine's logger has a level of its own
    logger.addHandler(_HostLog())
