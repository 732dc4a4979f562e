import pytest
import torch

from mpafer_plugin.apis import FERInferencer

TENSORS = ('probs', 'labels', 'similarity', 'rollout', 'class_share')


@pytest.mark.parametrize('batch_size', [1, 7, 32])
def test_predictions_as_on_the_cpu(
    face_tiny, model, images, batch_size, device
):
    cpu = FERInferencer(face_tiny, device='cpu', face='none')
    expected = cpu(images)
    found = FERInferencer(
        model, device=device, face='none', batch_size=batch_size
    )(images)
    for (face,), (other,) in zip(found, expected, strict=True):
        assert face['pred_class'] == other['pred_class']
        scores, others = (
            torch.tensor(f['pred_scores']) for f in (face, other)
        )
        torch.testing.assert_close(scores, others, rtol=0, atol=1e-4)


def test_explanations_as_on_the_cpu(face_tiny, model, images, device):
    cpu = FERInferencer(face_tiny, device='cpu', face='none')
    gpu = FERInferencer(model, device=device, face='none')
    top_k = face_tiny.head.top_k
    for image in images[:5]:
        found = gpu.explain(image)[0].explanation
        expected = cpu.explain(image)[0].explanation
        for name in TENSORS:
            value = getattr(found, name)
            assert value.device.type == 'cpu', name
            torch.testing.assert_close(
                value, getattr(expected, name), rtol=0, atol=1e-4
            )
        shares = found.rollout.sum() + found.class_share + found.prompt_share
        torch.testing.assert_close(shares.item(), 1.0, rtol=0, atol=1e-5)
        ranked = expected.similarity.flatten().sort(descending=True).values
        if ranked[top_k - 1] - ranked[top_k] > 1e-5:
            assert torch.equal(found.chosen, expected.chosen)
