import re

import mmpretrain
import pytest

from mpafer_plugin.doctor.environment import fits
from mpafer_plugin.doctor.packages import ASSERTED, NEEDED
from tests.conftest import ROOT
from tests.test_doctor.test_report import GOOD


def test_ranges_are_those_of_setup_and_of_the_host():
    setup = (ROOT / 'setup.py').read_text()
    stated = dict(re.findall(r"'([\w-]+)([<>=][^']*)'", setup))
    stated = {k: v for k, v in stated.items() if k in GOOD}
    required = setup.split('install_requires=[')[1].split(']')[0]
    assert {*re.findall(r"'([\w-]+)", required)} <= stated.keys()
    ours = {k: v for names in NEEDED.values() for k, v in names.items() if v}
    assert ours.pop('mmcv') == ASSERTED['mmcv']
    assert stated == ours
    for name, module in (
        ('mmengine',) * 2,
        ('mmcv',) * 2,
        ('mmcv-lite', 'mmcv'),
    ):
        low = getattr(mmpretrain, f'{module}_minimum_version')
        high = getattr(mmpretrain, f'{module}_maximum_version')
        assert ASSERTED[name] == f'>={low},<{high}'


@pytest.mark.parametrize(
    'version, wanted, expected',
    [
        ('2.10.0', '>=2.6', True),
        ('2.6', '>=2.6.0', True),
        ('2.5.1', '>=2.6', False),
        ('0.11.0', '>=0.10.4,<0.11', False),
        ('2.0.0', '>2', False),
        ('2.7.0+cu126', '==2.7', True),
        ('2.7.1', '==2.7.*', True),
        ('2.8', '!=2.8', False),
        ('2.14.0a0+nv25.10', '>=2.14', True),
        ('2.9.0.dev20250801+cu128', '==2.9.0.dev20250801', True),
        ('1.0.0rc1', '<1', False),
        ('3.9.4', '~=3.9.1', True),
        ('3.10.0', '~=3.9.1', False),
        (None, '>=1', True),
        ('unknown', '>=1', True),
        ('1.0', 'nonsense', True),
    ],
)
def test_ranges(version, wanted, expected):
    assert fits(version, wanted) is expected
