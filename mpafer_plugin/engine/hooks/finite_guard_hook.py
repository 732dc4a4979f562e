from typing import Any

import torch
from mmengine.hooks import Hook
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

    _model: Any = None  # until the first iteration

    def before_train_iter(self, runner, batch_idx: int, data_batch) -> None:
        """Keep the batch; at first, register the check with the optimizer."""
        self._iteration, self._batch = runner.iter + 1, data_batch
        if self._model is None:
            self._model = unwrap_model(runner.model)
            optimizer = runner.optim_wrapper.optimizer
            optimizer.register_step_pre_hook(self._check_gradients)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Check the losses, some of which may have no gradient."""
        bad = _not_finite(outputs or {})
        if bad:
            self._stop(bad, [])

    def _check_gradients(self, optimizer, args, kwargs) -> None:
        grads = {
            name: parameter.grad
            for name, parameter in self._model.named_parameters()
            if parameter.grad is not None
        }
        if torch.nn.utils.get_total_norm(list(grads.values())).isfinite():
            return
        with torch.no_grad():  # the losses are not known during a step
            data = self._model.data_preprocessor(self._batch, training=True)
            losses = self._model(**data, mode='loss')
        self._stop(_not_finite(losses), _not_finite(grads))

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


def _not_finite(values: dict) -> list[str]:
    """List the names of the values that are not finite."""
    return [
        name
        for name, value in values.items()
        if not torch.as_tensor(value).isfinite().all()
    ]
