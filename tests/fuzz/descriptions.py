"""Files of descriptions of the classes."""

from pathlib import Path

from mpafer_plugin.prompts.descriptions import load_descriptions

from .files import json_file
from .harness import Finding, Target

VALID = {
    'schema_version': 1,
    'source': {'model': 'a', 'question': 'b', 'date': '2026-11-21'},
    'classes': {
        'fear': {
            'word': 'fearful',
            'descriptions': ['wide eyes', 'raised brows'],
            'against': [None, 'anger'],
            'uncut': ['wide eyes, and', None],
        },
        'anger': {'descriptions': ['lowered brows']},
    },
}


def read(path: Path) -> None:
    for name, entry in load_descriptions(path)['classes'].items():
        texts = entry['descriptions']
        if not texts or not all(isinstance(text, str) for text in texts):
            raise Finding(f'{name!r} has {texts!r:.100}')


TARGETS = [Target('descriptions', json_file('fuzzed.json', VALID), read)]
