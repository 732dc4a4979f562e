import json
import os
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .answers import UnusableAnswer, quote

INSTALL = "pip install 'openai>=3,<4'"
KEY = 'OPENAI_API_KEY'
LEAST_KEY = 8  # signs; what is shorter may stand in any answer


class ServerError(RuntimeError):
    """The server cannot be reached, refuses to serve, or talks nonsense."""


class Chat:
    """A model behind a server that speaks OpenAI's chat protocol.

    Time-outs, refused connections and the statuses 408, 409, 429 and 5xx are
    tried again by the ``openai`` client: after the time that the server names
    in ``Retry-After`` (up to two minutes), else after 0.5, 1, 2, 4, then 8 s.
    Replies that are no chat are tried again after the same times, and count
    towards the same number of retries.

    The key is what ``OPENAI_API_KEY`` holds, if anything; local servers want
    none. It is in no message, not even where the server sends it back, and
    an answer that holds it is of no use. Organisation and project, which the
    client would read from the environment too, are not sent.

    Args:
        base_url (str): Where the protocol begins, such as
            ``'http://localhost:11434/v1'``.
        model (str): The name that the server knows the model by.
        timeout (float): Seconds that the server may be silent; what trickles
            in may take longer. Defaults to 120.
        retries (int): How often a request that failed, in whichever way, is
            sent again. Defaults to 5.

    Raises:
        ImportError: If ``openai`` is not installed.
        ValueError: If the address is no HTTP address, or the key cannot be
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
        try:
            self._client = openai.OpenAI(
                base_url=base_url,
                api_key=self._key or 'none',
                timeout=timeout,
            )
        except Exception as error:  # of whichever HTTP library it has
            raise ValueError(f'{self.where}: {error}') from error
        self._client.organization = self._client.project = None

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
        left = self.retries
        while True:
            reply, used = self._post(messages, left)
            try:
                choice = json.loads(reply)['choices'][0]
                message = choice['message']
                content = _text(message.get('content'))
                break
            except (
                ValueError,
                LookupError,
                TypeError,
                AttributeError,
                RecursionError,
            ) as error:
                left -= used + 1
                if left < 0:
                    raise ServerError(
                        f'{self.where} answers, but not with a chat: '
                        f'{quote(self._without_key(reply))}'
                    ) from error
            time.sleep(min(2 ** (self.retries - left - 2), 8))
        refusal = message.get('refusal')
        end = choice.get('finish_reason')
        if len(self._key) >= LEAST_KEY and self._key in f'{content}{refusal}':
            raise UnusableAnswer(f'the answer holds {KEY}', '')
        if refusal or end == 'content_filter':
            raise UnusableAnswer(
                'the answer is a refusal', str(refusal or content)
            )
        if end == 'length':
            raise UnusableAnswer('the server cut the answer off', content)
        for key in ('reasoning_content', 'reasoning'):
            if message.get(key) and not content:
                raise UnusableAnswer(
                    f'the answer is nothing but a thought ({key})', ''
                )
        return content

    def _post(self, messages: Any, retries: int) -> tuple[str, int]:
        """Give the body of the reply, and how many retries it took."""
        import openai

        try:
            self._client.max_retries = retries
            reply = self._client.chat.completions.with_raw_response.create(
                model=self.model, messages=messages
            )
            return reply.http_response.text, reply.retries_taken
        except openai.APITimeoutError:
            problem = f'no answer within {self.timeout:g} s'
        except openai.APIConnectionError as error:
            cause = self._without_key(f'{error.__cause__ or error}')
            problem = f'no connection: {cause}'
        except openai.APIStatusError as error:
            problem = f'status {error.status_code}'
            wait = error.response.headers.get('retry-after')
            if wait is not None:
                problem += f', Retry-After: {self._without_key(wait)}'
            if error.status_code == 401:
                problem += f' ({KEY} is {"set" if self._key else "not set"})'
            if error.status_code == 404:
                problem += (
                    ' (no such model, or the address does not end where the '
                    'protocol begins, which is mostly /v1)'
                )
            problem += f': {quote(self._without_key(error.response.text))}'
        raise ServerError(f'{self.where}: {problem}')

    def _without_key(self, text: str) -> str:
        """Take the key out of a text, also as JSON may escape it."""
        if not self._key:
            return text
        signs = (
            rf'(?:\\?{re.escape(sign)}|\\u(?i:{ord(sign):04x}))'
            for sign in self._key
        )
        return re.sub(''.join(signs), f'[{KEY}]', text)


def _text(content: Any) -> str:
    """Join the parts of a message, which most servers send as one text."""
    if isinstance(content, list):
        content = ''.join(
            part['text'] for part in content if part['type'] == 'text'
        )
    if content is None:
        return ''
    if not isinstance(content, str):
        raise TypeError(f'the content is {content!r}')
    return content


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
