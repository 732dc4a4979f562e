"""Study files: recipes, seeds and the runs that follow from them."""

import hashlib
import itertools
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from mmengine.config import Config

from mpafer_plugin.utils.hashing import sha256

from ..amp import AMP
from ..config_args import SHIPPED_CONFIGS

ROOT = SHIPPED_CONFIGS.parent
ON = 'MPAFER_ON'  # names the dataset config of a baseline's config

_REQUIRED = {'title', 'config', 'seeds', 'recipes'}
_STUDY_KEYS = _REQUIRED | {'environment', 'options', 'full', 'amp'}
_RECIPE_KEYS = {'config', 'options', 'search'}


class Run(NamedTuple):
    """Training run of a recipe with one seed.

    Args:
        recipe (str): Name of the recipe.
        config (str): Config file, such as ``configs/mpafer_rafdb.py``.
        options (dict): Values for ``--cfg-options``.
        seed (int): Random seed of the training.
        amp (str, optional): Value of ``--amp``. Defaults to None: float32.
    """

    recipe: str
    config: str
    options: dict[str, Any]
    seed: int
    amp: str | None = None

    @property
    def name(self) -> str:
        """Unique name of the run, used as its folder.

        It contains a digest of the config and of the files named in it
        (weights, architecture, lists of images), so that a change of any
        of them is another run. Code and images are not part of the digest.
        """
        cfg = Config.fromfile(ROOT / self.config)
        cfg.merge_from_dict(dict(self.options))
        content = cfg.to_dict()
        digests = [_digest(path) for path in _named_files(content)]
        parts = [content, digests, *([self.amp] if self.amp else [])]
        text = json.dumps(parts, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f'{self.recipe}/{digest}_seed{self.seed}'


def _named_files(value: Any) -> list[str]:
    """List the existing files named in a config."""
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
    """Recipe of a study.

    Args:
        name (str): Name in the table.
        config (str): Config file, such as ``configs/mpafer_rafdb.py``.
        options (dict): Settings of the study and of the recipe.
        search (dict): Values to try for each setting; those with the best
            validation accuracy with the first seed are used.
        amp (str, optional): See :class:`Run`.
    """

    name: str
    config: str
    options: dict[str, Any]
    search: dict[str, list]
    amp: str | None = None

    def run(self, seed: int, chosen: Mapping[str, Any] = {}) -> Run:
        """Return the run with a seed and the chosen values."""
        options = {
            key: seed if value == '{seed}' else value
            for key, value in {**self.options, **chosen}.items()
        }
        return Run(self.name, self.config, options, seed, self.amp)

    def trials(self, seed: int) -> list[tuple[dict[str, Any], Run]]:
        """Return the values and run of every trial of the search."""
        if not self.search:
            return []
        grid = itertools.product(*self.search.values())
        trials = [dict(zip(self.search, point, strict=True)) for point in grid]
        return [(values, self.run(seed, values)) for values in trials]


class Study(NamedTuple):
    """Content of a study file.

    Args:
        title (str): Title of the table.
        environment (dict[str, str]): Environment variables of the runs.
        seeds (list[int]): Random seeds of each recipe.
        recipes (list[Recipe]): Recipes in the order of the table.
    """

    title: str
    environment: dict[str, str]
    seeds: list[int]
    recipes: list[Recipe]


def read_study(path: Path, full: bool) -> Study:
    """Read and check a study file.

    Args:
        path (Path): YAML file, with ``_base_`` as in configs. It is read as
            data; only its runs execute configs.
        full (bool): Whether to apply the settings under ``full``.

    Raises:
        ValueError: If a key or file is missing, or a key or value is invalid.
    """
    found = _read(path)
    _check_keys(found, _STUDY_KEYS, path)
    absent = sorted(key for key in _REQUIRED if found.get(key) in (None, {}))
    if absent:
        raise ValueError(f'{path}: {absent} is missing')
    seeds = found['seeds']
    if not seeds or not all(type(seed) is int for seed in seeds):
        raise ValueError(f'{path}: seeds={seeds!r} is not a list of integers')
    if len(set(seeds)) < len(seeds):
        raise ValueError(f'{path}: seeds={seeds!r} has duplicates')
    amp = found.get('amp')
    if amp is not None and amp not in AMP:
        raise ValueError(f'{path}: amp={amp!r} is not one of {[*AMP]}')
    title, options = found['title'], found.get('options', {})
    if full:
        if not found.get('full'):
            raise ValueError(f'{path}: --full needs settings under `full`')
        title, options = f'{title}, full size', options | found['full']
    _check_config(found['config'], path)
    recipes = []
    for name, content in found['recipes'].items():
        content = content or {}
        where = f'{path}: recipe {name!r}'
        _check_keys(content, _RECIPE_KEYS, where)
        config = content.get('config', found['config'])
        _check_config(config, where)
        settings = options | content.get('options', {})
        # A null reverts a setting to the config's value.
        settings = {k: v for k, v in settings.items() if v is not None}
        search = content.get('search', {})
        recipes.append(Recipe(name, config, settings, search, amp))
    environment = {k: str(v) for k, v in found.get('environment', {}).items()}
    environment[ON] = Path(found['config']).stem
    return Study(title, environment, seeds, recipes)


def _read(path: Path) -> dict:
    """Read a YAML file over its bases.

    Not by mmengine (0.10.7), which executes Python that the file names.
    """
    try:
        with path.open(encoding='utf-8') as file:
            found = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f'study file {str(path)!r}: {error}') from error
    if not isinstance(found, dict):
        raise ValueError(f'study file {str(path)!r} has no keys')
    bases = found.pop('_base_', [])
    merged: dict = {}
    for name in [bases] if isinstance(bases, str) else bases:
        base = Config._get_cfg_path(name, str(path))[0]
        merged = Config._merge_a_into_b(_read(Path(base)), merged)
    return Config._merge_a_into_b(found, merged)


def _check_keys(found: dict, allowed: set, where: Any) -> None:
    if unknown := sorted(found.keys() - allowed):
        raise ValueError(f'{where}: {unknown} is not among {sorted(allowed)}')


def _check_config(config: str, where: Any) -> None:
    if not (ROOT / config).is_file():
        raise ValueError(f'{where}: no config {config!r} in mpafer_plugin')
