"""What a model says aloud: its answer without thoughts and special tokens."""

import re

# The last of these ends the thoughts, whether or not their beginning came
# along. gpt-oss answers in the channel "final", which is "assistantfinal"
# where the server took the special tokens out.
_THOUGHT_END = re.compile(
    r'<\s*/\s*(?:\w+:)?(?:think\w*|thoughts?|reason\w*|reflect\w*|analysis)'
    r'\s*>|\[\s*/\s*think\w*\s*\]|\u25c1/think\w*\u25b7'
    r'|<\|channel\|>\s*final\s*<\|message\|>|\bassistantfinal',
    re.IGNORECASE,
)
# Other channels than "final" are no answer; theirs stay, as brackets.
_TOKEN = re.compile(
    r'<(?:\|(?!channel)[^<>|]{1,40}\||\uff5c[^<>|]{1,40}\uff5c)>'
    r'|</?(?:s|bos|eos|end_of_turn|answer|final|output|response)>',
    re.IGNORECASE,
)


def spoken(answer: str) -> str:
    """Take thoughts, special tokens and what can't be printed off an answer.

    Args:
        answer (str): What the model said.

    Returns:
        str: What is left; a thought without an end still is, with its tag.
    """
    *_, last = _THOUGHT_END.split(answer)
    text = re.sub('[\u2018\u2019]', "'", _TOKEN.sub('', last))
    return ''.join(c for c in text if c.isprintable() or c.isspace())
