"""Names of the host: those of docs/host.md are those that we import."""

import ast
import importlib
import re

from tests.conftest import ROOT

HOST = ('mmengine', 'mmcv', 'mmpretrain')
PAGE = (ROOT / 'docs' / 'host.md').read_text()


class Imports(ast.NodeVisitor):
    """Dotted names of the host in one module, imported or by attribute."""

    def __init__(self):
        self.names = set()

    def visit_ImportFrom(self, node):
        if not node.level and node.module.split('.')[0] in HOST:
            names = (alias.name for alias in node.names)
            self.names |= {f'{node.module}.{name}' for name in names}

    def visit_Attribute(self, node):
        name = ast.unparse(node)
        if name.split('.')[0] in HOST:  # not its parts
            self.names.add(name)
        else:
            self.generic_visit(node)


def exists(name):
    module, _, attribute = name.rpartition('.')
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return False


def test_names_are_those_that_we_import():
    imports = Imports()
    for folder in ('mpafer_plugin', 'tools'):
        for path in (ROOT / folder).rglob('*.py'):
            imports.visit(ast.parse(path.read_text()))
    listed = re.findall(rf'`((?:{"|".join(HOST)})\.[\w.]+)`', PAGE)
    assert sorted(imports.names) == sorted(listed)
    assert all(map(exists, listed))
