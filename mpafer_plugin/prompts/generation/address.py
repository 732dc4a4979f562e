from urllib.parse import urlsplit


def shown_address(base_url: str) -> str:
    """Write an address without the user, password and query it may hold.

    Raises:
        ValueError: If it is no HTTP address.
    """
    try:
        parts = urlsplit(base_url)
        right = parts.scheme in ('http', 'https') and parts.hostname
        _ = parts.port  # raises if it is no number
    except ValueError:
        right = False
    if not right:
        raise ValueError(
            'the address must be like http://localhost:8000/v1 or '
            f'https://api.openai.com/v1, not {base_url.rpartition("@")[2]!r}'
        )
    host = parts.netloc.rpartition('@')[2]
    return f'{parts.scheme}://{host}{parts.path}'
