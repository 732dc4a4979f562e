import pytest
import torch
from mmpretrain.structures import DataSample

from mpafer_plugin.evaluation import FERMetric

NAMES = ('a', 'b', 'c')


@pytest.mark.parametrize('soft', [False, True])
def test_metrics_of_samples_on_the_device(device, soft):
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(50, 3, generator=generator)
    found = []
    for place in (device, 'cpu'):
        metric = FERMetric()
        metric.dataset_meta = dict(classes=NAMES)
        for number, row in enumerate(scores):
            sample = DataSample().set_pred_score(row)
            if soft:
                sample.set_gt_score(row.roll(number % 2))
            else:
                sample.set_gt_label(number % 3)
            metric.process({}, [sample.to(place).to_dict()])
        found.append(metric.evaluate(50))
    assert found[0] == found[1]
