import re

# fmt: off
FACE_PARTS = (
    'forehead', 'temple', 'brow', 'eyebrow', 'eye', 'eyelid', 'eyelash',
    'lid', 'lash', 'iris', 'pupil', 'gaze', 'stare', 'glare', 'nose',
    'nostril', 'cheek', 'dimple', 'mouth', 'lip', 'jaw', 'chin', 'tooth',
    'teeth', 'tongue', 'skin', 'muscle', 'wrinkle', 'smile', 'grin', 'frown',
    'ear', 'neck',
)
# fmt: on
"""Every description names one of these, or the face or the head."""

# "faces" and "heads" are people's, and stand in refusals.
_PART = re.compile(
    rf'\b(?:face|head|(?:{"|".join(FACE_PARTS)})(?:s|es|d|ed|ped)?)\b',
    re.IGNORECASE,
)


def names_part(text: str) -> bool:
    """Whether a text names a part of the face, or the face itself.

    Args:
        text (str): A text in English.

    Returns:
        bool: ``True`` for "half-closed eyelids", ``False`` for "Sure!".
    """
    return bool(_PART.search(text))
