"""A file of AffectNet's size, in the old release's format."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mpafer_plugin.datasets.affectnet.layouts import HEADER

ROWS = 290_000
# The reader alone, in a process of its own: seconds of processor time and
# growth of the largest memory in use, in megabytes.
SCRIPT = """
import json, resource, sys, time
from mpafer_plugin.datasets import AffectNet
from mpafer_plugin.datasets.splits import stratified_split

dataset = AffectNet(sys.argv[1], lazy_init=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
samples = dataset.load_samples()
read = time.process_time() - start
growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
train, val = stratified_split(samples, 0.1, 0)
split = time.process_time() - start - read
print(json.dumps([len(samples), read, split, growth, len(train), len(val)]))
"""


@pytest.mark.slow
def test_290000_rows_in_5_seconds_and_300_megabytes(tmp_path):
    points = np.random.default_rng(0).uniform(0, 900, (50, 136))
    landmarks = [';'.join(f'{v:.2f}' for v in row) for row in points]
    folder = tmp_path / 'Manually_Annotated_Images' / '0'
    folder.mkdir(parents=True)
    with (tmp_path / 'training.csv').open('w') as file:
        file.write(','.join(HEADER) + '\n')
        for i in range(ROWS):
            file.write(
                f'{i % 1000}/{i:040x}.jpg,134,134,899,899,'
                f'{landmarks[i % 50]},{i % 7},-0.17,0.25\n'
            )
    result = subprocess.run(
        [sys.executable, '-c', SCRIPT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(result.stdout.splitlines()[-1])
    print(found)
    count, read, split, growth, train, val = found
    assert count == train + val == ROWS
    assert val == pytest.approx(0.1 * ROWS, abs=7)
    assert read + split < 5
    assert growth < 300
