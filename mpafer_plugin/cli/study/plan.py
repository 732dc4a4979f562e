"""Study files: recipes, seeds and the runs that follow from them."""

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
from mpafer_plugin.utils.numbers import is_whole
from mpafer_plugin.utils.quoting import quote

from ..amp import AMP
from ..config_args import SHIPPED_CONFIGS
from .yaml_file import read_yaml

ROOT = SHIPPED_CONFIGS.parent
ON = 'MPAFER_ON'  # names the dataset config of a baseline's config

MAX_NAME = 200  # bytes of a folder, most disks take 255
MAX_SEED = 2**32 - 1  # of numpy

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

        Raises:
            ValueError: If the options do not fit the config.
        """
        cfg = Config.fromfile(ROOT / self.config)
        try:
            cfg.merge_from_dict(dict(self.options))
        except (TypeError, LookupError, AttributeError) as error:
            raise ValueError(
                f'recipe {self.recipe!r}: the options '
                f'{quote(dict(self.options))} do not fit {self.config}: '
                f'{error}'
            ) from error
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
    found = {k: v for k, v in read_yaml(path).items() if v is not None}
    _check_keys(found, _STUDY_KEYS, path)
    absent = sorted(key for key in _REQUIRED if found.get(key) in (None, {}))
    if absent:
        raise ValueError(f'{path}: {absent} is missing')
    for key in ('title', 'config'):
        _check(isinstance(found[key], str), path, key, found, 'a text')
    for key in ('recipes', 'options', 'full', 'environment'):
        _check_mapping(found, key, path)
    seeds, amp = found['seeds'], found.get('amp')
    _check(
        isinstance(seeds, list)
        and seeds
        and all(is_whole(seed, 0, MAX_SEED) for seed in seeds),
        path,
        'seeds',
        found,
        f'a list of integers in 0 to {MAX_SEED}',
    )
    if len(set(seeds)) < len(seeds):
        raise ValueError(f'{path}: seeds={quote(seeds)} has duplicates')
    if amp is not None and amp not in [*AMP]:
        raise ValueError(f'{path}: amp={quote(amp)} is not one of {[*AMP]}')
    title, options = found['title'], found.get('options', {})
    if full:
        if not found.get('full'):
            raise ValueError(f'{path}: --full needs settings under `full`')
        title, options = f'{title}, full size', options | found['full']
    _check_config(found['config'], path)
    recipes = []
    for name, content in found['recipes'].items():
        where = f'{path}: recipe {quote(name)}'
        _check_name(name, where)
        content = content or {}
        if not isinstance(content, dict):
            raise ValueError(f'{where}: {quote(content)} is no mapping')
        _check_keys(content, _RECIPE_KEYS, where)
        config = content.get('config', found['config'])
        _check_config(config, where)
        for key in ('options', 'search'):
            _check_mapping(content, key, where)
        settings = options | content.get('options', {})
        # A null reverts a setting to the config's value.
        settings = {k: v for k, v in settings.items() if v is not None}
        search = content.get('search', {})
        for key, values in search.items():
            _check(
                isinstance(values, list) and values,
                where,
                key,
                search,
                'a list of values to try',
            )
        recipes.append(Recipe(name, config, settings, search, amp))
    environment = found.get('environment', {})
    for key, value in environment.items():
        _check(
            isinstance(value, (str, int, float)) and key and '=' not in key,
            path,
            key,
            environment,
            'an environment variable',
        )
    environment = {k: str(v) for k, v in environment.items()}
    environment[ON] = Path(found['config']).stem
    return Study(title, environment, seeds, recipes)


def _check(
    valid: Any, where: Any, key: str, content: Mapping, what: str
) -> None:
    if not valid:
        raise ValueError(
            f'{where}: {quote(key)[1:-1]}={quote(content[key])} is not {what}'
        )


def _check_mapping(content: Mapping, key: str, where: Any) -> None:
    """Check a value that may be absent."""
    value = content.get(key, {})
    valid = isinstance(value, dict) and all(isinstance(k, str) for k in value)
    _check(valid, where, key, content, 'a mapping of names to values')


def _check_name(name: str, where: str) -> None:
    """Check the name of a recipe, which is that of a folder."""
    for part in name.split('/'):
        if part in ('', '.', '..') or len(part.encode()) > MAX_NAME:
            raise ValueError(
                f'{where}: the name is that of a folder, of 1 to {MAX_NAME} '
                "bytes and not '.' or '..'"
            )


def _check_keys(found: dict, allowed: set, where: Any) -> None:
    if unknown := [key for key in found if key not in allowed]:
        raise ValueError(
            f'{where}: {quote(unknown)} is not among {sorted(allowed)}'
        )


def _check_config(config: Any, where: Any) -> None:
    # Not Path.is_file, which raises for a name that is too long.
    if not isinstance(config, str) or not os.path.isfile(ROOT / config):
        raise ValueError(
            f'{where}: no config {quote(config)} in mpafer_plugin'
        )
