"""Values of the environment variables that configs take."""

import json
import os
from pathlib import Path
from random import Random
from unittest.mock import patch

from mmengine.config import Config

from .checkpoints import towers
from .harness import Finding, Target
from .mutators import ODD, mutate_bytes

CONFIG = Path(__file__).parents[2] / 'configs/ablations/scale_30.py'


def write(rng: Random, folder: Path) -> Path:
    arch, weights = towers()
    values = dict(
        MPAFER_ARCH=arch,
        MPAFER_CLIP=weights,
        MPAFER_DATA='data/faces',
        MPAFER_CACHE='cache/é',
        MPAFER_ON='mpafer_ferplus',
    )
    for name in rng.sample([*values], rng.choice((1, 1, 2))):
        content = mutate_bytes(values[name].encode(), rng)
        odd = rng.choice([x for x in ODD if isinstance(x, str)])
        value = rng.choice((os.fsdecode(content), odd))
        # What no system takes as a value.
        value = value.replace('\0', '').replace('\ud800', '')
        values[name] = value[:1000]  # too long for a file's name
    path = folder / 'fuzzed.json'
    path.write_text(json.dumps(values))
    return path


def read(path: Path) -> None:
    values = json.loads(path.read_text())
    with patch.dict(os.environ, values):
        try:
            cfg = Config.fromfile(CONFIG)
        except (ValueError, OSError, KeyError) as error:
            # In place of the file: a variable or its value.
            said = str(error).replace("\\'", "'")
            # Values are shortened, and what is odd in them is escaped.
            parts = [os.path.basename(x)[:9] or x[:9] for x in values.values()]
            parts += [x[-9:] for x in values.values()]
            named = [*values, *filter(None, parts)]
            if any(x in said or repr(x)[1:-1] in said for x in named):
                raise ValueError(f'{path.name}: {said}') from None
            raise
    found = [
        (cfg.model.backbone.arch, values['MPAFER_ARCH']),
        (cfg.model.backbone.pretrained, values['MPAFER_CLIP']),
    ]
    for one, other in found:
        if one != other:
            raise Finding(f'{other!r} became {one!r}')


TARGETS = [Target('environment', write, read)]
