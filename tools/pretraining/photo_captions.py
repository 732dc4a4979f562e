"""Captions of photographs, in web style, drawn from noisy labels."""

import numpy as np

LABELS = (
    'anger',
    'disgust',
    'fear',
    'happiness',
    'sadness',
    'surprise',
    'neutral',
)
"""FER2013's labels, in the order of their numbers."""

# fmt: off
WORDS = {
    'anger': ('anger', 'angry', 'furious', 'mad', 'enraged', 'annoyed',
              'irritated', 'outraged', 'hostile', 'rage'),
    'disgust': ('disgust', 'disgusted', 'revolted', 'repulsed',
                'grossed out', 'nauseated', 'sickened', 'revulsion'),
    'fear': ('fear', 'fearful', 'afraid', 'scared', 'frightened',
             'terrified', 'panicked', 'anxious', 'worried', 'horrified'),
    'happiness': ('happiness', 'happy', 'joyful', 'smiling', 'cheerful',
                  'delighted', 'glad', 'pleased', 'laughing', 'joy'),
    'sadness': ('sadness', 'sad', 'unhappy', 'sorrowful', 'gloomy',
                'depressed', 'crying', 'mournful', 'miserable', 'grief'),
    'surprise': ('surprise', 'surprised', 'astonished', 'amazed', 'shocked',
                 'startled', 'stunned', 'astonishment'),
    'neutral': ('neutral', 'calm', 'blank', 'expressionless', 'relaxed',
                'impassive', 'composed', 'unemotional'),
}
CONTEMPT = ('contempt', 'contemptuous', 'scornful', 'disdainful', 'smirking',
            'sneering', 'disdain')
LOOKS = {
    'anger': ('lowered brows drawn together', 'glaring eyes', 'tight lips',
              'bared teeth', 'flared nostrils', 'a clenched jaw',
              'hard staring eyes', 'an open shouting mouth'),
    'disgust': ('a wrinkled nose', 'a raised upper lip', 'narrowed eyes',
                'lowered brows', 'the tongue out', 'cheeks pushed up',
                'mouth corners turned down'),
    'fear': ('wide open eyes', 'raised brows drawn together',
             'lips stretched sideways', 'a tense open mouth',
             'raised upper eyelids', 'a wrinkled forehead'),
    'happiness': ('a wide smile', 'raised cheeks', 'mouth corners pulled up',
                  'teeth showing', 'narrowed smiling eyes',
                  "crow's feet beside the eyes", 'parted lips'),
    'sadness': ('inner brows raised', 'drooping eyelids',
                'mouth corners turned down', 'a lowered gaze',
                'a trembling chin', 'tears in the eyes',
                'a protruding lower lip'),
    'surprise': ('brows raised high', 'wide open eyes', 'a dropped jaw',
                 'an open round mouth', 'a wrinkled forehead',
                 'parted lips'),
    'neutral': ('a relaxed mouth', 'level brows', 'closed lips',
                'a smooth forehead', 'eyes open at rest', 'a still face',
                'a loose jaw'),
}
_CONTEMPT_LOOKS = ('one mouth corner tightened', 'a raised chin',
                   'a sideways gaze', 'an asymmetrical smirk')
_NAMING = (
    '{}', 'a photo of {}', 'a {} face', 'an image of a {} person',
    'a portrait of someone {}', 'a close up of a {} face',
    'a grey photo of a {} man or woman', 'a facial expression of {}',
    'a photo of a person making a facial expression of {}',
    'this person looks {}', 'the face shows {}', 'a person feeling {}',
)
_CONTRAST = ('{}, not {}', '{} rather than {}', 'it is {} and not {}')
# fmt: on

_CONTEMPT_BESIDE = ('anger', 'disgust', 'neutral')
_CONTEMPT_SHARE = 0.06


def photo_caption(rng: np.random.Generator, label: int) -> str:
    """Draw a caption for a photograph.

    A caption names the emotion by one of many words, describes looks that
    often go with it, or both; some add what it is not. FER2013 has no label
    for contempt: its words and looks are sometimes added to those of anger,
    disgust and neutral faces, as they would be on the web.

    Args:
        rng (np.random.Generator): Source of randomness.
        label (int): FER2013's label of the image, see :data:`LABELS`.

    Returns:
        str: One line of a few to about 60 words.
    """
    name = LABELS[label]
    parts: list[str] = []
    kind = rng.random()
    if kind < 0.75:
        parts.append(rng.choice(_NAMING).format(rng.choice(WORDS[name])))
    if kind > 0.45:
        looks = LOOKS[name]
        chosen = rng.permutation(looks)[: rng.integers(1, len(looks) + 1)]
        joined = ', '.join(chosen)
        parts.append(f'with {joined}' if parts else joined)
    if rng.random() < 0.1:
        other = rng.choice([n for n in LABELS if n != name])
        words = rng.choice(WORDS[name]), rng.choice(WORDS[other])
        parts.append(rng.choice(_CONTRAST).format(*words))
    if name in _CONTEMPT_BESIDE and rng.random() < _CONTEMPT_SHARE:
        parts.append(rng.choice(CONTEMPT))
        parts.append(rng.choice(_CONTEMPT_LOOKS))
    return ', '.join(parts)
