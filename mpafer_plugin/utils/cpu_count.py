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


def loader_workers() -> int:
    """Choose how many processes load images, for each training process.

    Returns:
        int: The CPUs of this process, shared with the processes that torchrun
        started beside it, but from 2 to 8 (ours).
    """
    share = cpu_count() // int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    return min(max(share, 2), 8)
