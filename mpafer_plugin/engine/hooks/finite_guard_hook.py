import math
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

    A GPU is waited for as rarely as possible: the norm of the gradients is
    that of their clipping, which mmengine has read for the log, and the losses
    are copied to the CPU together, for this hook and all later ones.

    Raises:
        FloatingPointError: Names the iteration, the loss terms and parameters
            concerned and the images of the batch. All checkpoints are older.
    """

    # Before RuntimeInfoHook, which reads one loss after the other.
    priority = 'HIGHEST'

    _model: Any = None  # until the first iteration

    def before_train_iter(self, runner, batch_idx: int, data_batch) -> None:
        """Keep the batch; at first, register with model and optimizer."""
        self._iteration, self._batch = runner.iter + 1, data_batch
        self._losses: dict = {}
        if self._model is None:
            self._model = unwrap_model(runner.model)
            self._model.register_forward_hook(self._keep_losses)
            self._wrapper = runner.optim_wrapper
            self._wrapper.optimizer.register_step_pre_hook(
                self._check_gradients
            )

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Check the losses, some of which may have no gradient."""
        if not outputs:
            return
        device = next(self._model.parameters()).device
        scalars = [
            torch.as_tensor(value, dtype=torch.float32, device=device)
            for value in outputs.values()
        ]
        losses = torch.stack([x.detach().reshape(()) for x in scalars]).cpu()
        values = zip(outputs, losses.tolist(), strict=True)
        bad = [name for name, value in values if not math.isfinite(value)]
        if bad:
            self._stop(bad, [])
        outputs.update(zip(outputs, losses, strict=True))

    def _keep_losses(self, model, inputs, outputs) -> None:
        if isinstance(outputs, dict):
            self._losses = outputs

    def _check_gradients(self, optimizer, args, kwargs) -> None:
        grads = {
            name: parameter.grad
            for name, parameter in self._model.named_parameters()
            if parameter.grad is not None
        }
        if getattr(self._wrapper, 'grad_name', None) == 'grad_norm':
            hub = self._wrapper.message_hub
            norm = hub.get_scalar('train/grad_norm').current()
        else:  # not clipped by their norm
            norm = float(torch.nn.utils.get_total_norm(list(grads.values())))
        # A fused optimizer is called by the scaler, and skips the step itself.
        if not math.isfinite(norm) and not getattr(optimizer, 'found_inf', 0):
            self._stop(_not_finite(self._losses), _not_finite(grads))

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
