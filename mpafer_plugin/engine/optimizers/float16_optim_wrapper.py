from mmengine.optim import AmpOptimWrapper
from mmpretrain.registry import OPTIM_WRAPPERS

MOST_SKIPPED = 50
"""Steps in a row that may be skipped; a scale of 65536 settles in 16."""


@OPTIM_WRAPPERS.register_module()
class Float16OptimWrapper(AmpOptimWrapper):
    """Optimizer wrapper for float16 that notices when nothing is learnt.

    Under a dynamic loss scale a step whose gradients are not finite is
    skipped and the scale halved: with a loss that is never finite,
    mmengine's own (0.10.7) would skip all steps without an end.

    Args:
        **kwargs: See :class:`mmengine.optim.AmpOptimWrapper`.
    """

    _skipped = 0

    def step(self, **kwargs) -> None:
        """Update the parameters, unless a gradient is not finite.

        Raises:
            FloatingPointError: After :data:`MOST_SKIPPED` skipped steps.
        """
        before = self.loss_scaler.get_scale()
        super().step(**kwargs)
        skipped = self.loss_scaler.get_scale() < before
        self._skipped = self._skipped + 1 if skipped else 0
        if self._skipped == MOST_SKIPPED:
            raise FloatingPointError(
                f'{MOST_SKIPPED} steps in a row were skipped, as gradients '
                'in float16 were not finite: train with --amp bf16, or '
                'without --amp, which names the loss and the images'
            )
