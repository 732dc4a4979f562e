from mmengine.dist import get_rank
from mmengine.runner import EpochBasedTrainLoop
from mmpretrain.registry import LOOPS
from torch.utils.data import DataLoader

from mpafer_plugin.utils.seeding import seed_generators

from ..dataloader_checks import check_batch_shares

# Not beginning with 'val': the log would show it as a metric.
VALIDATED = 'epoch_validated'
"""Key of the message hub for the last validated epoch."""


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """Epoch-based train loop that resumes exactly where it stopped.

    Three things that mmengine (0.10.7) lacks: training resumes mid-epoch, a
    skipped validation is run on resume, and the RNGs of the main process
    (mixup, dropout) are seeded by run seed and iteration.

    Args:
        *args: See :class:`mmengine.runner.EpochBasedTrainLoop`.
        **kwargs: The same.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._batches_done = 0
        # Before mmengine builds the schedulers, which fails for empty epochs.
        if isinstance(self.dataloader, DataLoader):
            check_batch_shares(self.dataloader)

    @property
    def batches(self) -> tuple[int, int]:
        """Batches done of this epoch, and batches in total."""
        return self._batches_done, len(self.dataloader)

    def enter_epoch(self, done: int, total: int) -> None:
        """Skip the first batches of the next epoch.

        Args:
            done (int): Batches done before the interruption.
            total (int): Batches of the epoch at that time.

        Raises:
            ValueError: If the epoch now has another number of batches, or the
                sampler cannot skip samples.
        """
        if not done:
            return
        if total != len(self.dataloader):
            raise ValueError(
                f'the checkpoint was saved after {done} of {total} batches of '
                f'an epoch, which has {len(self.dataloader)} now: resume with '
                'the same data, batch size and number of processes, or from '
                'the checkpoint of an epoch'
            )
        sampler = self.dataloader.sampler
        if not hasattr(sampler, 'skip'):
            raise ValueError(
                'the checkpoint was saved mid-epoch, and a '
                f'{type(sampler).__name__} cannot go on there: use '
                'ResumableSampler, or resume from the checkpoint of an epoch'
            )
        sampler.skip(done * self.dataloader.batch_size)
        self._batches_done = done

    def run(self):
        """Launch training."""
        self.runner.call_hook('before_train')
        validated = self.runner.message_hub.runtime_info.get(VALIDATED, 0)
        if self._epoch != validated and not self._batches_done:
            # The run may have stopped between saving and validating.
            self._validate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train one epoch, or the rest of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for index, batch in enumerate(self.dataloader, self._batches_done):
            self.run_iter(index, batch)
        self._batches_done = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch) -> None:
        """Train on one batch."""
        seed_generators(self.runner.seed, self._iter, get_rank())
        self._batches_done = idx + 1
        super().run_iter(idx, data_batch)

    def _validate(self) -> None:
        self._decide_current_val_interval()
        if (
            self.runner.val_loop is not None
            and self._epoch >= self.val_begin
            and (
                self._epoch % self.val_interval == 0
                or self._epoch == self._max_epochs
            )
        ):
            self.runner.val_loop.run()
