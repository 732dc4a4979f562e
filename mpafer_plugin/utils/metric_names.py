import re

_REFUSED = re.compile(r'[^\w\-. :/]')


def metric_name(name: str) -> str:
    """Replace what trackers refuse in the name of a metric by underscores.

    MLflow takes letters and digits of any script, and ``_-. :/``.
    """
    return _REFUSED.sub('_', name)
