"""What a study file says: recipes, seeds, and what is done in each run."""

import hashlib
import itertools
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from mpafer_plugin.utils.hashing import sha256

from ..config_args import SHIPPED_CONFIGS

ROOT = SHIPPED_CONFIGS.parent
ON = 'MPAFER_ON'

_KEYS = {
    'title',
    'config',
    'environment',
    'options',
    'full',
    'seeds',
    'recipes',
}
_RECIPE_KEYS = {'config', 'options', 'search'}


class Run(NamedTuple):
    """One training: a recipe with settings and a seed.

    Args:
        recipe (str): Its name.
        config (str): The config file, relative to the project.
        options (dict): What `--cfg-options` takes.
        seed (int): Of the training.
    """

    recipe: str
    config: str
    options: dict[str, Any]
    seed: int

    @property
    def name(self) -> str:
        """A name of its own, for a folder.

        Another content of the config, or of a file that it names (weights,
        an architecture, a list of images), is another run: results of
        before do not stand for it. The code and the images of a data root
        are not looked at.
        """
        cfg = Config.fromfile(ROOT / self.config)
        cfg.merge_from_dict(dict(self.options))
        content = cfg.to_dict()
        said = [content, [_digest(path) for path in _named_files(content)]]
        text = json.dumps(said, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f'{self.recipe}/{digest}_seed{self.seed}'


def _named_files(value: Any) -> list[str]:
    """The files among the texts of a config."""
    if isinstance(value, str):
        return [value] if os.path.isfile(value) else []
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return sorted({path for part in value for path in _named_files(part)})


@cache
def _digest(path: str) -> str:
    return sha256(Path(path))


class Recipe(NamedTuple):
    """A recipe as the study runs it.

    Args:
        name (str): As in the table.
        config (str): The config file, relative to the project.
        options (dict): Settings of the study and of the recipe.
        search (dict): Setting to the values tried; the best on validation,
            with the first seed, is taken.
    """

    name: str
    config: str
    options: dict[str, Any]
    search: dict[str, list]

    def run(self, seed: int, chosen: Mapping[str, Any] = {}) -> Run:
        """The run with a seed, and values that were chosen."""
        options = {
            key: seed if value == '{seed}' else value
            for key, value in {**self.options, **chosen}.items()
        }
        return Run(self.name, self.config, options, seed)

    def trials(self, seed: int) -> list[tuple[dict[str, Any], Run]]:
        """The runs among which the values are chosen, with their values."""
        if not self.search:
            return []
        grid = [
            dict(zip(self.search, values, strict=True))
            for values in itertools.product(*self.search.values())
        ]
        return [(values, self.run(seed, values)) for values in grid]


class Study(NamedTuple):
    """A study file, read and checked.

    Args:
        title (str): What the table is headed.
        config (str): The config whose data and schedule all recipes share.
        environment (dict[str, str]): Variables of the runs.
        seeds (list[int]): Every recipe is run with each.
        recipes (list[Recipe]): In the order of the table.
    """

    title: str
    config: str
    environment: dict[str, str]
    seeds: list[int]
    recipes: list[Recipe]


def read_study(path: Path, full: bool) -> Study:
    """Read a study file.

    Args:
        path (Path): YAML, with ``_base_`` as in configs.
        full (bool): Whether the settings under ``full`` hold too.

    Raises:
        ValueError: If something is absent, unknown or of the wrong kind.
    """
    if not path.is_file():
        raise ValueError(f'no study file {str(path)!r}')
    found = Config.fromfile(path).to_dict()
    _check_keys(found, _KEYS, {'title', 'config', 'seeds', 'recipes'}, path)
    seeds = found['seeds']
    if not seeds or not all(type(seed) is int for seed in seeds):
        raise ValueError(f'{path}: seeds={seeds!r} is not a list of numbers')
    if len(set(seeds)) < len(seeds):
        raise ValueError(f'{path}: seeds={seeds!r} holds one twice')
    title, options = found['title'], found.get('options', {})
    if full:
        if not found.get('full'):
            raise ValueError(f'{path}: --full, but it has no settings `full`')
        title, options = f'{title}, full size', options | found['full']
    config = _config(found['config'], path)
    recipes = []
    for name, content in found['recipes'].items():
        content = content or {}
        where = f'{path}: recipe {name!r}'
        _check_keys(content, _RECIPE_KEYS, set(), where)
        recipes.append(
            Recipe(
                name,
                _config(content.get('config', config), where),
                _kept(options | content.get('options', {})),
                content.get('search', {}),
            )
        )
    environment = {k: str(v) for k, v in found.get('environment', {}).items()}
    environment[ON] = Path(config).stem
    return Study(title, config, environment, seeds, recipes)


def _kept(options: dict) -> dict:
    """Leave out what a null takes back."""
    return {k: v for k, v in options.items() if v is not None}


def _check_keys(found: dict, allowed: set, needed: set, where: Any) -> None:
    if unknown := sorted(found.keys() - allowed):
        raise ValueError(f'{where}: {unknown} is not among {sorted(allowed)}')
    if absent := sorted(needed - found.keys()):
        raise ValueError(f'{where}: {absent} is missing')


def _config(config: str, where: Any) -> str:
    if not (ROOT / config).is_file():
        raise ValueError(f'{where}: no config {config!r} in the project')
    return config
