from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmpretrain.registry import HOOKS

from ..distributed import unwrap_model


@HOOKS.register_module()
class FiniteGuardHook(Hook):
    """Guard that stops training before a non-finite loss or gradient is used.

    Gradients are checked right before each optimizer step. Under float16 with
    a loss scale the scaler skips such steps by itself, and only the losses are
    checked.

    Raises:
        FloatingPointError: Names the iteration, the loss terms and parameters
            concerned and the images of the batch. All checkpoints are older.
    """

    def __init__(self):
        self._model: Any = None  # until the first iteration

    def before_train_iter(self, runner, batch_idx: int, data_batch) -> None:
        """Keep the batch; at first, register the check with the optimizer."""
        self._iteration, self._batch = runner.iter + 1, data_batch
        if self._model is None:
            self._model = unwrap_model(runner.model)
            wrapper = runner.optim_wrapper
            wrappers = [wrapper]
            if isinstance(wrapper, OptimWrapperDict):
                wrappers = list(wrapper.values())
            for one in wrappers:
                one.optimizer.register_step_pre_hook(self._check_gradients)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Check the losses, some of which may have no gradient."""
        bad = [k for k, v in (outputs or {}).items() if not _finite(v)]
        if bad:
            self._stop(bad, [])

    def _check_gradients(self, optimizer, args, kwargs) -> None:
        named = [
            (name, parameter.grad)
            for name, parameter in self._model.named_parameters()
            if parameter.grad is not None
        ]
        total = torch.nn.utils.get_total_norm([grad for _, grad in named])
        if not total.isfinite():
            self._stop(
                self._bad_losses(),
                [name for name, grad in named if not _finite(grad)],
            )

    @torch.no_grad()
    def _bad_losses(self) -> list[str]:
        """Compute the losses again: they are not known during a step."""
        data = self._model.data_preprocessor(self._batch, training=True)
        losses = self._model(**data, mode='loss')
        return [name for name, value in losses.items() if not _finite(value)]

    def _stop(self, losses: list[str], parameters: list[str]) -> None:
        causes = []
        if losses:
            causes.append(f'the losses {losses}')
        if parameters:
            causes.append(f'the gradients of {parameters}')
        images = [
            sample.metainfo.get('img_path')
            for sample in self._batch['data_samples']
        ]
        raise FloatingPointError(
            f'iteration {self._iteration}: {" and ".join(causes)} are not '
            'finite. Training stops before the weights are updated; the '
            'checkpoints are older. The images of this batch: '
            f'{images}'
        )


def _finite(value) -> bool:
    return bool(torch.as_tensor(value).isfinite().all())
