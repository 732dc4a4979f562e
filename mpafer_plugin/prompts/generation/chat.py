import json
import os
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from mpafer_plugin.prompts.generation.answers import UnusableAnswer, quote

INSTALL = "pip install 'openai>=3,<4'"
KEY = 'OPENAI_API_KEY'


class ServerError(RuntimeError):
    """The server can't be reached, refuses to serve, or talks nonsense."""


class Chat:
    """A model behind a server that speaks OpenAI's chat protocol.

    Time-outs, refused connections and the statuses 408, 409, 429 and 5xx are
    tried again by the ``openai`` client: after the time that the server names
    in ``Retry-After`` (up to two minutes), else after 0.5, 1, 2, 4, then 8 s.
    Replies that are no chat are tried again after the same times.

    The key is what ``OPENAI_API_KEY`` holds, if anything; local servers want
    none. It is in no message, not even where the server sends it back.

    Args:
        base_url (str): Where the protocol begins, such as
            ``'http://localhost:11434/v1'``.
        model (str): The name that the server knows the model by.
        timeout (float): Seconds that the server may be silent. Defaults to
            120.
        retries (int): How often a request that failed is sent again.
            Defaults to 5.

    Raises:
        ImportError: If ``openai`` is not installed.
        ValueError: If the address is no HTTP address, or the key can't be
            sent.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        timeout: float = 120,
        retries: int = 5,
    ):
        try:
            import openai
        except ImportError as error:
            raise ImportError(
                f'asking a server takes the openai client: {INSTALL}'
            ) from error
        self._key = os.environ.get(KEY, '').strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ValueError(f'{KEY} holds signs that no header can carry')
        self.where = shown_address(base_url)
        self.model = model
        self.timeout = timeout
        self.retries = retries
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=self._key or 'none',
            timeout=timeout,
            max_retries=retries,
        )

    def ask(self, messages: Sequence[dict[str, str]]) -> str:
        """Send a conversation and give the answer.

        Args:
            messages (Sequence[dict[str, str]]): What was said so far, each
                with its ``role`` and ``content``.

        Returns:
            str: What the model says; it may be empty.

        Raises:
            ServerError: If there is no answer after all retries.
            UnusableAnswer: If the server says that it withheld the answer or
                cut it off.
        """
        for n in range(self.retries + 1):
            if n:
                time.sleep(min(2 ** (n - 2), 8))
            reply = self._post(messages)
            try:
                choice = json.loads(reply)['choices'][0]
                content = choice['message']['content'] or ''
                refusal = choice['message'].get('refusal')
                end = choice.get('finish_reason')
                if isinstance(content, str):
                    break
            except (
                ValueError,
                LookupError,
                TypeError,
                AttributeError,
                RecursionError,
            ):
                pass
        else:
            raise ServerError(
                f'{self.where} answers, but not with a chat: {quote(reply)}'
            )
        if refusal or end == 'content_filter':
            raise UnusableAnswer(
                'the answer is a refusal', str(refusal or content)
            )
        if end == 'length':
            raise UnusableAnswer('the server cut the answer off', content)
        return content

    def _post(self, messages: Any) -> str:
        """Send a conversation and give the body of the reply."""
        import openai

        try:
            reply = self._client.chat.completions.with_raw_response.create(
                model=self.model, messages=messages
            )
            return self._without_key(reply.http_response.text)
        except openai.APITimeoutError:
            problem = f'no answer within {self.timeout:g} s'
        except openai.APIConnectionError as error:
            problem = f'no connection: {error.__cause__ or error}'
        except openai.APIStatusError as error:
            problem = f'status {error.status_code}'
            wait = error.response.headers.get('retry-after')
            if wait is not None:
                problem += f', Retry-After: {wait}'
            if error.status_code == 401:
                problem += f' ({KEY} is {"set" if self._key else "not set"})'
            problem += f': {quote(self._without_key(error.response.text))}'
        raise ServerError(self._without_key(f'{self.where}: {problem}'))

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, f'[{KEY}]') if self._key else text


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
