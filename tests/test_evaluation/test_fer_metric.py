import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from mpafer_plugin.evaluation import FERMetric
from tests.waits import Waits

CLASSES = ['a', 'b', 'c', 'd']


def one_hot(label):
    return torch.eye(len(CLASSES))[label]


def evaluate(pairs, metric=None):
    metric = metric or FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    for true, predicted in pairs:
        sample = {
            'gt_label': torch.tensor([true]),
            'pred_score': one_hot(predicted),
        }
        metric.process({}, [sample])
    return metric.evaluate(len(pairs))


# True a: 3 of 4 right, one as b. b: 1 of 2, one as a. c: 0 of 1, as a.
PAIRS = [(0, 0)] * 3 + [(0, 1), (1, 1), (1, 0), (2, 0)]


def test_by_hand():
    metrics = evaluate(PAIRS)
    assert metrics['fer/accuracy'] == pytest.approx(100 * 4 / 7)
    # Class d is not in the ground truth: it counts in no mean.
    assert metrics['fer/uar'] == pytest.approx(100 * (0.75 + 0.5 + 0) / 3)
    f1 = (2 * 3 / (4 + 5) + 2 * 1 / (2 + 2) + 0) / 3
    assert metrics['fer/macro_f1'] == pytest.approx(100 * f1)
    assert metrics['fer/recall_a'] == pytest.approx(75)
    assert metrics['fer/recall_c'] == 0
    assert 'fer/recall_d' not in metrics
    assert all(isinstance(value, float) for value in metrics.values())


@pytest.mark.parametrize('name', ['bfloat16', 'float16', 'float64'])
def test_scores_of_any_precision(name):
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    scores = torch.tensor([0.1, 0.7, 0.2, 0]).to(getattr(torch, name))
    for label in (1, 2):
        sample = dict(gt_label=torch.tensor([label]), pred_score=scores)
        metric.process({}, [sample])
    assert metric.evaluate(2)['fer/accuracy'] == 50


def test_scores_that_are_not_finite():
    score = torch.tensor([0.5, float('nan'), 0.5, 0])
    sample = dict(gt_label=torch.tensor([0]), pred_score=score, img_path='x.p')
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    with pytest.raises(ValueError, match=r"'x\.p' are not finite"):
        metric.process({}, [sample])


def test_confusion_is_true_by_predicted():
    metric = FERMetric()
    evaluate(PAIRS, metric)
    expected = [[3, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(metric.confusion, expected)


def test_agrees_with_the_host_metric():
    from mmpretrain.evaluation import SingleLabelMetric

    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, (2, 200))
    ours = evaluate(list(zip(true, predicted, strict=True)))
    _, recall, f1, _ = SingleLabelMetric.calculate(
        torch.tensor(predicted), torch.tensor(true), num_classes=4
    )
    assert ours['fer/uar'] == pytest.approx(recall.item(), rel=1e-5)
    assert ours['fer/macro_f1'] == pytest.approx(f1.item(), rel=1e-5)


def test_soft_targets_without_a_label():
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    sample = {
        'gt_score': torch.tensor([0.1, 0.2, 0.6, 0.1]),
        'pred_score': one_hot(2),
    }
    metric.process({}, [sample])
    assert metric.evaluate(1)['fer/accuracy'] == 100


def test_merged_views_count_by_their_merged_scores():
    from mmpretrain.models import AverageClsScoreTTA
    from mmpretrain.structures import DataSample

    views = [
        DataSample()
        .set_gt_label(1)
        .set_pred_label(label)
        .set_pred_score(torch.tensor(score))
        for label, score in ((0, [0.6, 0.4, 0, 0]), (1, [0.1, 0.9, 0, 0]))
    ]
    merged = AverageClsScoreTTA._merge_single_sample(None, views)
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    metric.process({}, [merged.to_dict()])
    assert metric.evaluate(1)['fer/accuracy'] == 100


def test_labels_without_scores():
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    for predicted in (1, 3):
        sample = {
            'gt_label': torch.tensor([1]),
            'pred_label': torch.tensor([predicted]),
        }
        metric.process({}, [sample])
    assert metric.evaluate(2)['fer/accuracy'] == 50


def evaluate_across(data, model, pairs):
    """Pairs of class names: of the data, and of the model."""
    metric = FERMetric()
    metric.dataset_meta = {'classes': data}
    for true, predicted in pairs:
        sample = {
            'gt_label': torch.tensor([data.index(true)]),
            'pred_score': torch.eye(len(model))[model.index(predicted)],
            'model_classes': tuple(model),
        }
        metric.process({}, [sample])
    return metric, metric.evaluate(len(pairs))


def test_classes_of_model_and_data_meet_by_name(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    metric, metrics = evaluate_across(
        ['anger', 'happiness', 'contempt', 'fear'],
        ['fear', 'Happy', 'anger', 'pain'],
        [
            ('anger', 'anger'),
            ('anger', 'pain'),
            ('happiness', 'Happy'),
            ('contempt', 'anger'),
            ('fear', 'fear'),
        ],
    )
    logger.removeHandler(caplog.handler)
    assert metric.classes == ('fear', 'Happy', 'anger', 'pain')
    assert metrics == {
        'fer/accuracy': 75,
        'fer/uar': pytest.approx(100 * 2.5 / 3),
        'fer/macro_f1': pytest.approx(100 * (1 + 1 + 2 / 3) / 3),
        'fer/left_out': 20,
        'fer/recall_fear': 100,
        'fer/recall_Happy': 100,
        'fer/recall_anger': 50,
    }
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    np.testing.assert_array_equal(metric.confusion, expected)
    assert "The model lacks ['contempt']" in caplog.text
    assert "The data lacks ['pain']" in caplog.text

    caplog.clear()
    logger.addHandler(caplog.handler)
    evaluate_across(['fear'], ['fear', 'pain'], [('fear', 'fear')])
    logger.removeHandler(caplog.handler)
    assert 'The model lacks' not in caplog.text


def test_another_order_alone_is_not_worth_a_warning(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    _, metrics = evaluate_across(
        ['anger', 'fear'], ['Fearful', 'angry'], [('anger', 'angry')] * 3
    )
    logger.removeHandler(caplog.handler)
    assert metrics['fer/accuracy'] == 100
    assert 'fer/left_out' not in metrics
    assert not caplog.records


def test_nothing_in_common():
    with pytest.raises(ValueError, match=r"it has \['pain'\], .*\['fear'\]"):
        evaluate_across(['fear'], ['pain'], [('fear', 'pain')])


def test_scores_of_unknown_classes():
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    sample = {'gt_label': torch.tensor([0]), 'pred_score': torch.ones(3)}
    with pytest.raises(ValueError, match=r'scores 3 classes .*has 4'):
        metric.process({}, [sample])


@pytest.mark.parametrize('label', [-1, 4])
def test_a_label_that_is_no_class(label):
    with pytest.raises(ValueError, match=f'has the label {label}; the data'):
        evaluate([(label, 0)])


def test_two_classes_of_a_model_that_are_one():
    with pytest.raises(ValueError, match="are 'happiness'"):
        evaluate_across(['fear'], ['happy', 'happiness'], [('fear', 'happy')])


def test_memory_of_a_image_is_a_pointer():
    """290,000 images take 2.3 MB; a pair of their own would be eightfold."""
    metric = FERMetric()
    metric.dataset_meta = {'classes': [str(i) for i in range(300)]}
    samples = [
        {'gt_label': torch.tensor([299]), 'pred_score': torch.eye(300)[i]}
        for i in (299, 298)
    ]
    for _ in range(50):
        metric.process({}, samples)
    assert len(metric.results) == 100
    assert len({id(pair) for pair in metric.results}) == 2


@pytest.mark.parametrize('field', ['gt_label', 'gt_score'])
def test_a_batch_is_read_as_a_whole(field, monkeypatch):
    """Each read waits for a GPU: once for labels, once for scores."""
    samples = [
        {'pred_score': one_hot(predicted)}
        | dict(gt_label=torch.tensor([true]), gt_score=one_hot(true))
        for true, predicted in PAIRS
    ]
    for sample in samples:
        del sample[{'gt_label': 'gt_score', 'gt_score': 'gt_label'}[field]]
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    with Waits(monkeypatch) as waits:
        metric.process({}, samples)
    assert waits.count == 2
    assert metric.results == PAIRS


def test_the_image_of_a_batch_that_is_wrong():
    samples = [
        dict(gt_label=torch.tensor([0]), pred_score=one_hot(0), img_path=name)
        for name in 'abc'
    ]
    metric = FERMetric()
    metric.dataset_meta = {'classes': CLASSES}
    samples[1]['pred_score'] = one_hot(0) / 0
    with pytest.raises(ValueError, match="scores of 'b' are not finite"):
        metric.process({}, samples)
    samples[1].update(pred_score=one_hot(0), gt_label=torch.tensor([7]))
    with pytest.raises(ValueError, match="'b' has the label 7; the data"):
        metric.process({}, samples)
    assert not metric.results


def test_classes_of_a_checkpoint_stand_for_those_of_a_head():
    metric = FERMetric()
    metric.dataset_meta = {'classes': ('a', 'b', 'c')}
    metric.trained_classes = ('b', 'a')
    samples = [
        {'gt_label': torch.tensor([i]), 'pred_score': torch.eye(2)[j]}
        for i, j in ((0, 1), (1, 0), (2, 0))
    ]
    metric.process({}, samples)
    found = metric.evaluate(3)
    assert found['fer/accuracy'] == 100
    assert found['fer/left_out'] == pytest.approx(100 / 3)
    metric.trained_classes = ('b', 'a', 'c')
    with pytest.raises(ValueError, match=r'2 classes .* its checkpoint has 3'):
        metric.process({}, samples)


def test_names_that_trackers_take():
    """MLflow refuses + and parentheses; two classes keep their own name."""
    metric = FERMetric()
    metric.dataset_meta = {'classes': ['sad (mild)', 'a+', 'a(', '悲']}
    metrics = metric.compute_metrics([(0, 0), (1, 1), (2, 0), (3, 3)])
    recalls = {n: v for n, v in metrics.items() if n.startswith('recall_')}
    assert recalls == {
        'recall_sad _mild_': 100,
        'recall_a_': 100,
        'recall_a__2': 0,
        'recall_悲': 100,
    }
