import os


def cpu_count() -> int:
    """Count the processors that this process may use.

    Returns:
        int: All of the machine where the system does not say.
    """
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
