from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import HistoryBuffer

from mpafer_plugin.engine.checkpoints.resume import choose_checkpoint

HUB = dict(
    log_scalars={'loss': HistoryBuffer([1.0], [1])},
    runtime_info={'epoch': 1},
    resumed_keys={'loss': True, 'epoch': True},
)

BROKEN = HistoryBuffer([1.0], [1])
del BROKEN.max_length

GOOD = dict(
    state_dict={},
    meta=dict(epoch=1, iter=9, seed=3),
    message_hub=HUB,
    optimizer=dict(state={0: {}}, param_groups=[dict(params=[0])]),
    param_schedulers=[{}],
    batches=[3, 9],
    optimizer_type='SGD',
    early_stopping={'fer/uar': [2, float('-inf')]},
    gradients=dict(sums={'a': torch.ones(1)}, done=1, counts=2),
)


def resume(path, **values):
    torch.save(GOOD | values, path)
    choose_checkpoint(SimpleNamespace(_load_from=str(path)), path.parent, ())


def test_all_kinds(tmp_path):
    resume(tmp_path / 'a.pth')
    resume(tmp_path / 'a.pth', optimizer=None, gradients={})


@pytest.mark.parametrize(
    'values',
    [
        dict(meta=dict(epoch=True, iter=9)),
        dict(meta=dict(epoch=1, iter=-1)),
        dict(meta=dict(epoch=1, iter=9, seed='x')),
        dict(message_hub=[]),
        dict(message_hub=None),
        dict(message_hub=HUB | dict(log_scalars={'loss': BROKEN})),
        dict(message_hub=HUB | dict(log_scalars={'loss': 3})),
        dict(message_hub=HUB | dict(resumed_keys={'loss': 'x'})),
        dict(optimizer=dict(state=[], param_groups=[])),
        dict(optimizer=dict(state={}, param_groups=[dict(params=['a'])])),
        dict(
            optimizer=dict(
                state={0: dict(exp_avg=torch.tensor(float('nan')))},
                param_groups=[dict(params=[0])],
            )
        ),
        dict(param_schedulers=[3]),
        dict(batches=[3]),
        dict(batches=[3, '9']),
        dict(optimizer_type=3),
        dict(early_stopping={'fer/uar': [2]}),
        dict(early_stopping={'fer/uar': ['2', 1.0]}),
        dict(gradients=dict(sums={'a': 3}, done=1, counts=2)),
        dict(gradients=dict(sums={}, done=1, counts=0)),
        dict(
            gradients=dict(
                sums={'a': torch.tensor(float('nan'))}, done=1, counts=2
            )
        ),
    ],
)
def test_values_of_another_kind(values, tmp_path):
    (key,) = values
    with pytest.raises(ValueError, match=rf'a\.pth.*{key}=.* is not '):
        resume(tmp_path / 'a.pth', **values)
