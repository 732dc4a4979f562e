import json
import os
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .answers import UnusableAnswer, quote

INSTALL = "pip install 'openai>=3,<4'"
KEY = 'OPENAI_API_KEY'
MIN_KEY = 8  # characters; a shorter key may be a word of any answer
MAX_REPLY = 10_000_000  # characters
NO_CHAT = 'mpafer_no_chat'

# How servers word that they do not support `response_format`.
_FORMAT_REFUSED = re.compile(
    r'response.?format|json.?schema|structured.?output|grammar', re.IGNORECASE
)


class ServerError(RuntimeError):
    """Raised if the server cannot be reached or sends no usable reply."""


class Chat:
    """Client of one model on a server with OpenAI's chat protocol.

    Retries are those of the ``openai`` client: after timeouts, lost
    connections and the statuses 408, 409, 429 and 5xx, after the time in
    ``Retry-After`` (up to two minutes) or else 0.5, 1, 2, 4, then 8 s. A
    reply that is not a chat completion counts as status 502.

    The key is read from ``OPENAI_API_KEY``; local servers need none. It is
    removed from every message, and an answer that contains it is unusable.
    Organization and project from the environment are not sent.

    Args:
        base_url (str): Root of the protocol, such as
            ``'http://localhost:11434/v1'``.
        model (str): Name of the model on the server.
        timeout (float): Seconds without data after which a request fails.
            Defaults to 120.
        retries (int): Retries of a failed request. Defaults to 5.

    Raises:
        ImportError: If ``openai`` is not installed.
        ValueError: If the URL or the key is invalid.
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
                f'the openai client is needed to ask a server: {INSTALL}'
            ) from error
        self._key = os.environ.get(KEY, '').strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ValueError(
                f'{KEY} holds characters that an HTTP header cannot carry'
            )
        self.address = _public_address(base_url)
        self.model = model
        self.timeout = timeout
        self._with_format = True
        try:
            self._client = openai.OpenAI(
                base_url=base_url,
                api_key=self._key or 'none',
                timeout=timeout,
                max_retries=retries,
                http_client=openai.DefaultHttpxClient(
                    event_hooks={'response': [_fail_unless_chat]}
                ),
            )
        except Exception as error:  # its HTTP library has its own types
            raise ValueError(f'{self.address}: {error}') from error
        self._client.organization = self._client.project = None

    def ask(
        self,
        messages: Sequence[dict[str, str]],
        response_format: dict[str, Any] | None = None,
    ) -> str:
        """Send a conversation and return the answer.

        If the server refuses ``response_format``, this and all further
        requests are sent without it.

        Args:
            messages (Sequence[dict[str, str]]): Messages with ``role`` and
                ``content``.
            response_format (dict, optional): JSON schema of the answer, see
                :func:`~.answers.answer_format`. Defaults to None.

        Returns:
            str: The answer; may be empty.

        Raises:
            ServerError: If there is no answer after all retries.
            UnusableAnswer: If the answer was refused, filtered or truncated,
                or contains the key.
        """
        choice = self._complete(messages, response_format).choices[0]
        content = _text(choice.message.content)
        # the client fills no attribute that the server left out
        refusal = getattr(choice.message, 'refusal', None)
        end = getattr(choice, 'finish_reason', None)
        if len(self._key) >= MIN_KEY and self._key in f'{content}{refusal}':
            raise UnusableAnswer(f'the answer contains {KEY}', '')
        if refusal or end == 'content_filter':
            raise UnusableAnswer(
                'the answer is a refusal', str(refusal or content)
            )
        if end == 'length':
            raise UnusableAnswer('the server cut the answer off', content)
        for key in ('reasoning_content', 'reasoning'):
            if getattr(choice.message, key, None) and not content:
                raise UnusableAnswer(
                    f'the answer is nothing but reasoning ({key})', ''
                )
        return content

    def _complete(self, messages: Any, response_format: Any) -> Any:
        """Return the chat completion; all errors become ``ServerError``."""
        import openai

        extra = {}
        if response_format and self._with_format:
            extra['response_format'] = response_format
        try:
            return self._client.chat.completions.create(
                model=self.model, messages=messages, **extra
            )
        except openai.APITimeoutError:
            problem = f'no answer within {self.timeout:g} s'
        except openai.APIConnectionError as error:
            cause = self._without_key(f'{error.__cause__ or error}')
            problem = f'no connection: {cause}'
        except openai.APIStatusError as error:
            if (
                extra
                and error.status_code in (400, 422)
                and _FORMAT_REFUSED.search(error.response.text)
            ):
                self._with_format = False
                return self._complete(messages, None)
            problem = self._describe(error.response)
        raise ServerError(f'{self.address}: {problem}')

    def _describe(self, response: Any) -> str:
        """Describe an error status with its remedy and the server's text."""
        body = quote(self._without_key(response.text))
        if NO_CHAT in response.extensions:
            return f'the reply is not a chat completion: {body}'
        problem = f'status {response.status_code}'
        if wait := response.headers.get('retry-after'):
            problem += f', Retry-After: {self._without_key(wait)}'
        if response.status_code == 401:
            problem += f' ({KEY} is {"set" if self._key else "not set"})'
        if response.status_code == 404:
            problem += (
                ' (unknown model, or the URL does not end at the root of the '
                'protocol, usually /v1)'
            )
        return f'{problem}: {body}'

    def _without_key(self, text: str) -> str:
        """Replace the key in a text, also where JSON escaped it."""
        if not self._key:
            return text
        characters = (
            rf'(?:\\?{re.escape(c)}|\\u(?i:{ord(c):04x}))' for c in self._key
        )
        return re.sub(''.join(characters), f'[{KEY}]', text)


def _fail_unless_chat(response: Any) -> None:
    """Turn a reply that is not a chat completion into a retryable error."""
    if not response.is_success:
        return
    response.read()
    try:
        if len(response.text) > MAX_REPLY:
            raise ValueError('too long')
        message = json.loads(response.text)['choices'][0]['message']
        _text(message.get('content'))
    except (
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        response.status_code = 502
        response.extensions[NO_CHAT] = True


def _text(content: Any) -> str:
    """Join the parts of a message; most servers send one string."""
    if isinstance(content, list):
        content = ''.join(
            part['text'] for part in content if part['type'] == 'text'
        )
    if not isinstance(content, str | None):
        raise TypeError(f'the content is {content!r}')
    return content or ''


def _public_address(base_url: str) -> str:
    """Return an HTTP URL without user, password and query."""
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ('http', 'https') and parts.hostname
        _ = parts.port  # raises if it is not a number
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(
            'the URL must be like http://localhost:8000/v1 or '
            f'https://api.openai.com/v1, not {base_url.rpartition("@")[2]!r}'
        )
    host = parts.netloc.rpartition('@')[2]
    return f'{parts.scheme}://{host}{parts.path}'
