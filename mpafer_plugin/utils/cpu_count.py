import os


def cpu_count() -> int:
    """Count the CPUs available to this process.

    Returns:
        int: The size of its CPU affinity; all CPUs of the machine on systems
        without one.
    """
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
