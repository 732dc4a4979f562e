import errno

PART = '.writing'
"""Name, in the root of the crops, of what is not whole yet: a file's own name
may be as long as names may be."""

_OF_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def stops_all(error: OSError) -> bool:
    """Whether no other file could be written either, as on a full disk.

    Args:
        error (OSError): What came of writing one.
    """
    return error.errno in _OF_ALL
