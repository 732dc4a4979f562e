"""Places where a file or a text could be executed: those listed, no other."""

import ast

import pytest

from tests.conftest import ROOT

LISTED = {
    'setup.py: exec',  # version.py of this repository
    # OpenAI's archives of a published digest, or after `--trust`
    'mpafer_plugin/clip/state_dict.py: torch.jit.load',
    # JSON files of its own run
    'tools/quickstart.py: mmengine.load',
}
BUILT_IN = {'eval', 'exec', 'compile', '__import__'}
MODULES = {'cloudpickle', 'dill', 'joblib', 'marshal', 'pickle', 'runpy'}
MODULES |= {'code', 'imp', 'shelve'}
CALLS = {'mmengine.load', 'torch.hub.load', 'torch.jit.load', 'yaml.load'}
CALLS |= {'yaml.unsafe_load', 'os.system', 'os.popen'}
SAFE = {  # calls that need an argument, and those that must not have one
    'torch.load': ('weights_only', True),
    'subprocess.run': ('shell', False),
    'subprocess.Popen': ('shell', False),
    'np.load': ('allow_pickle', False),
}
DEFAULTS = {'shell': False, 'allow_pickle': False}


def executing(source):
    """Yield what in a module's source may execute data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = {alias.name.split('.')[0] for alias in node.names}
            yield from names & MODULES
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from {node.module.split('.')[0]} & MODULES
            names = {f'{node.module}.{alias.name}' for alias in node.names}
            yield from names & (CALLS | set(SAFE))  # called by a short name
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in BUILT_IN | CALLS or _is_unsafe(name, node.keywords):
                yield name


def _is_unsafe(name, keywords):
    if name not in SAFE:
        return False
    argument, wanted = SAFE[name]
    given = {k.arg: ast.unparse(k.value) for k in keywords}
    return given.get(argument, str(DEFAULTS.get(argument))) != str(wanted)


def test_only_the_listed_places_may_execute_data():
    files = [ROOT / 'setup.py', ROOT / 'noxfile.py']
    for folder in ('mpafer_plugin', 'tools'):
        files += (ROOT / folder).rglob('*.py')
    found = {
        f'{path.relative_to(ROOT).as_posix()}: {name}'
        for path in files
        for name in executing(path.read_text())
    }
    assert found == LISTED


@pytest.mark.parametrize(
    'source, found',
    [
        ('eval(text)', ['eval']),
        ('model.eval()', []),
        ('re.compile(text)', []),
        ('import pickle', ['pickle']),
        ('from pickle import loads', ['pickle']),
        ('torch.load(path)', ['torch.load']),
        ('torch.load(path, weights_only=False)', ['torch.load']),
        ('torch.load(path, weights_only=True)', []),
        ('from torch import load', ['torch.load']),
        ('np.load(path)', []),
        ('np.load(path, allow_pickle=True)', ['np.load']),
        ('subprocess.run(text, shell=True)', ['subprocess.run']),
        ('yaml.load(text)', ['yaml.load']),
    ],
)
def test_what_is_found(source, found):
    assert list(executing(source)) == found
