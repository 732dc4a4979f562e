"""Environments other than `.venv`, each session in one of its own in `.nox`.

`make matrix` and `make matrix-quick` run the tests with other versions of the
stack, `make audit` and `make sbom` look at the packages. uv links the files of
its cache into the environments: five take little more disk than one.
"""

import json
from pathlib import Path

import nox

nox.options.default_venv_backend = 'uv'
TESTS = ['-m', 'not slow', '-n', '2', '--dist', 'loadgroup']
HOST = ('mmengine', 'mmcv-lite', 'mmpretrain')
FORK = ('onedl-mmengine==0.10.12', 'onedl-mmcv==2.3.6')
FORK += ('onedl-mmpretrain==1.3.6',)
QUICK = [  # imports, one training, one test, predictions
    'tests/test_compat.py',
    'tests/test_models/test_golden.py',
    'tests/test_cli/test_train_and_test.py::test_train',
    'tests/test_cli/test_train_and_test.py::test_test',
    'tests/test_apis/test_earlier_checkpoints.py',
    'tests/test_apis/test_fer_inferencer.py::'
    'test_is_what_the_test_loop_predicts',
]


def run_tests(session: nox.Session) -> None:
    """Run the fast tests, or a few with `-- quick`.

    Other arguments after `--` are pytest's.
    """
    session.run('python', '-m', 'mpafer_plugin', 'doctor')  # names versions
    args = session.posargs or TESTS
    args = QUICK if args == ['quick'] else args
    session.run('python', '-m', 'pytest', *args)


@nox.session(python=['3.11', '3.12', '3.13'])
def newest(session: nox.Session) -> None:
    """The versions of requirements.txt."""
    session.install('-r', 'requirements.txt')
    session.install('--no-deps', '-e', '.')
    run_tests(session)


@nox.session(python='3.11')
def oldest(session: nox.Session) -> None:
    """The lower limits of setup.py."""
    wanted = ('-e', '.[lite,llm,onnx,parquet,report]', 'pandas>=2.2')
    session.install('--resolution', 'lowest-direct', *wanted)
    session.install('pytest>=8,<9.2', 'pytest-xdist>=3.5')
    run_tests(session)


@nox.session(python='3.11')
def fork(session: nox.Session) -> None:
    """The maintained fork as host, as in docs/fork.md."""
    lines = Path('requirements.txt').read_text().splitlines()
    others = [line for line in lines if line.split('==')[0] not in HOST]
    session.install(*others, *FORK)
    session.install('--no-deps', '-e', '.')
    run_tests(session)


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of requirements.txt; a note where it cannot be."""
    session.install('pip-audit==2.10.1')
    report = Path(session.create_tmp(), 'audit.json')
    report.unlink(missing_ok=True)
    options = ['--disable-pip', '--no-deps', '--timeout', '5']
    options += ['-r', 'requirements.txt', '-f', 'json', '-o', str(report)]
    said = session.run(
        'pip-audit', *options, silent=True, success_codes=[0, 1]
    )
    if not report.is_file():
        session.skip(f'NOT AUDITED: {str(said).splitlines()[-1]}')
    packages = json.loads(report.read_text())['dependencies']
    unknown = [p['name'] for p in packages if 'skip_reason' in p]
    found = [
        f'{package["name"]} {package["version"]}: {fault["id"]}, '
        f'mended in {", ".join(fault["fix_versions"]) or "no version"}'
        for package in packages
        for fault in package.get('vulns', [])
    ]
    if unknown:
        session.warn(f'NOT AUDITED, unknown to it: {", ".join(unknown)}')
    session.log(f'{len(packages) - len(unknown)} packages audited')
    if found:
        session.error('\n'.join(found))


@nox.session
def sbom(session: nox.Session) -> None:
    """sbom.json: the packages in .venv, as CycloneDX."""
    session.install('cyclonedx-bom==7.5.0')
    options = ['--output-reproducible', '--output-file', 'sbom.json']
    session.run('cyclonedx-py', 'environment', *options, '.venv')
