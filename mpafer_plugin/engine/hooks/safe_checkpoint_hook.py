import os
import tempfile
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop
from mmpretrain.registry import HOOKS

from mpafer_plugin.utils.metric_names import metric_name

from ..checkpoints import private_folders
from ..checkpoints.exactness import warn_if_inexact
from ..checkpoints.file import drop_config_text, numbered, publish
from ..checkpoints.resume import choose_checkpoint, enter_epoch, point_to
from ..checkpoints.resume_kinds import POSITION
from ..checkpoints.schedule import OPTIMIZER, follow_config
from ..checkpoints.training_state import (
    EARLY_STOPPING,
    GRADIENTS,
    accumulated_gradients,
    early_stopping_state,
    restore_training_state,
)
from ..runners.by_iteration import count_by_iteration
from ..runners.resumable_train_loop import VALIDATED, ResumableTrainLoop

INTERRUPTED = 'iter_{}.pth'
"""Name of a checkpoint that was saved mid-epoch."""


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """Checkpoint hook whose files survive any interruption of the run.

    mmengine's own (0.10.7) writes in place, and removes the oldest checkpoint
    and the old best one before the new one is written. Here a file is written
    under a temporary name, synced to the disk with its digest, and renamed;
    only then the file that it replaces is removed. ``--resume`` takes the
    newest intact file.

    Under :class:`mmengine.runner.IterBasedTrainLoop` files are named by
    iteration, and the log counts iterations. ``interval`` and ``save_begin``
    then count passes over the data, unless ``by_epoch=False``.

    Args:
        save_best (str | list[str], optional): Metrics to select by, under
            their names in the log or, see :func:`metric_name`, those of
            before. Defaults to None.
        **kwargs: See :class:`mmengine.hooks.CheckpointHook`. Files are
            written to local folders only.
    """

    out_dir: str
    by_epoch: bool
    filename_tmpl: str
    _trains = False
    _improved = False
    _config: str | None = None
    _metrics: dict[str, float]
    _gradients: dict[str, Any]

    def __init__(
        self, *args, save_best: str | list[str] | None = None, **kwargs
    ):
        if isinstance(save_best, str):
            save_best = metric_name(save_best)
        elif save_best is not None:
            save_best = [metric_name(name) for name in save_best]
        super().__init__(*args, save_best=save_best, **kwargs)

    def before_run(self, runner) -> None:
        """Choose the checkpoint to resume, see :func:`choose_checkpoint`.

        Raises:
            ValueError: If a scheduler counts epochs in a loop over iterations.
        """
        if isinstance(runner._train_loop, IterBasedTrainLoop):
            count_by_iteration(runner)
            if self.by_epoch:
                self.by_epoch = False
                self.interval *= len(runner.train_dataloader)
                self.save_begin *= len(runner.train_dataloader)
                if self.filename_tmpl == 'epoch_{}.pth':
                    self.filename_tmpl = INTERRUPTED
        if runner._resume and not runner._has_loaded:
            templates = {self.filename_tmpl, INTERRUPTED}
            choose_checkpoint(
                runner, Path(self._folder(runner)), sorted(templates)
            )

    def before_train(self, runner) -> None:
        """Try the folder, and remove what an interrupted run left behind.

        Raises:
            OSError: If the folder cannot be written.
        """
        super().before_train(runner)
        self._trains = True
        if is_main_process():
            Path(self.out_dir).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.out_dir):
                pass
            for part in Path(self.out_dir).glob('*.part'):
                part.unlink(missing_ok=True)
            self._remove_outdated(runner.iter)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Store position and state of training, but no folders."""
        self._config = self._config or private_folders.text_of(runner.cfg)
        private_folders.strip(checkpoint, self._config)
        if isinstance(runner._train_loop, ResumableTrainLoop):
            checkpoint[POSITION] = list(runner._train_loop.batches)
        if 'optimizer' in checkpoint:
            optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
            checkpoint[OPTIMIZER] = type(optimizer).__name__
            checkpoint[EARLY_STOPPING] = early_stopping_state(runner)
            checkpoint[GRADIENTS] = self._gradients

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Restore the position in the epoch, and the state of training.

        Config text is dropped: mmengine's resume would execute it.

        Raises:
            ValueError: If the train loop or the optimizer cannot continue
                there; it names the file.
        """
        try:
            self._restore(runner, checkpoint)
        except ValueError as error:
            raise ValueError(f'{runner._load_from!r}: {error}') from error

    def _restore(self, runner, checkpoint: dict) -> None:
        drop_config_text(checkpoint)
        if not (runner._resume and isinstance(runner._train_loop, BaseLoop)):
            return
        private_folders.restore(checkpoint, runner._load_from)
        done, total = checkpoint.get(POSITION, (0, 0))
        if done:
            enter_epoch(runner.train_loop, done, total)
        follow_config(runner, checkpoint, done)
        restore_training_state(runner, checkpoint)
        warn_if_inexact(runner, checkpoint)

    def after_val_epoch(self, runner, metrics) -> None:
        """Keep the metrics until all hooks have seen them."""
        self._metrics = metrics

    def after_val(self, runner) -> None:
        """Store the validated epoch, and save the best checkpoint.

        A checkpoint of this step is saved again if the validation is the best
        so far, or ends training: resuming from it should know.
        """
        if not self._trains:
            return  # runner.val() alone
        runner.message_hub.update_info(VALIDATED, runner.epoch)
        self._improved = False
        super().after_val_epoch(runner, self._metrics)
        step = runner.epoch if self.by_epoch else runner.iter
        last = Path(runner.message_hub.runtime_info.get('last_ckpt') or '')
        if last.name == self.filename_tmpl.format(step) and (
            self._improved or runner.train_loop.stop_training
        ):
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, step, meta)

    def save_now(self, runner) -> bool:
        """Save mid-epoch, after an iteration, as ``iter_N.pth``.

        Returns:
            bool: Whether it was saved: not with a loop that cannot resume
            mid-epoch.
        """
        loop = runner.train_loop
        if isinstance(loop, EpochBasedTrainLoop) and not isinstance(
            loop, ResumableTrainLoop
        ):
            return False
        step = runner.iter + 1
        name = INTERRUPTED.format(step)
        meta = dict(epoch=runner.epoch, iter=step)
        self._write(runner, name, meta, by_epoch=False)
        point_to(runner, Path(self.out_dir, name))
        return True

    def _folder(self, runner) -> str:
        """Return the checkpoint folder; mmengine sets it only in training."""
        if self.out_dir is None or self.out_dir == runner.work_dir:
            return runner.work_dir
        return os.path.join(self.out_dir, os.path.basename(runner.work_dir))

    def _save_checkpoint_with_step(self, runner, step, meta) -> None:
        if self.max_keep_ckpts > 0:
            kept = self.keep_ckpt_ids  # as many as are kept, no more
            if not kept or kept[-1] != step:
                kept.append(step)
                runner.message_hub.update_info('keep_ckpt_ids', list(kept))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = os.path.join(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        self._write(
            runner,
            name,
            meta,
            by_epoch=self.by_epoch,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
        )
        point_to(runner, Path(self.last_ckpt))
        if is_main_process():
            self._remove_outdated(runner.iter + 1)

    def _remove_outdated(self, iteration: int) -> None:
        """Remove files that are older than all that are kept."""
        folder = Path(self.out_dir)
        if self.max_keep_ckpts > 0 and self.keep_ckpt_ids:
            for number, path in numbered(folder, self.filename_tmpl):
                if number < self.keep_ckpt_ids[0]:
                    path.unlink(missing_ok=True)
        if self.by_epoch:
            for number, path in numbered(folder, INTERRUPTED):
                if number < iteration:
                    path.unlink(missing_ok=True)

    def _save_best_checkpoint(self, runner, metrics) -> None:
        if not self.save_best:
            return
        if 'auto' in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics))])
        unit = 'epoch' if self.by_epoch else 'iter'
        step = getattr(runner, unit)
        improved = [  # all of them, not only up to the first
            self._save_if_best(runner, name, metrics[name], unit, step)
            for name in self.key_indicators
        ]
        self._improved = any(improved)

    def _save_if_best(
        self, runner, indicator: str, score, unit: str, step: int
    ) -> bool:
        hub = runner.message_hub
        several = len(self.key_indicators) > 1
        suffix = f'_{indicator}' if several else ''
        old_score = hub.runtime_info.get(f'best_score{suffix}')
        stem = f'best_{indicator}_'.replace('/', '_')
        # The old path may come from a file that was written elsewhere.
        old = Path(hub.runtime_info.get(f'best_ckpt{suffix}') or stem)
        # or was best by another metric
        if old_score is None or not old.name.startswith(stem):
            rule = self.rules[self.key_indicators.index(indicator)]
            old_score = self.init_value_map[rule]
        is_better = self.is_better_than[indicator]
        if score is None or not is_better(score, old_score):
            return False
        name = stem + self.filename_tmpl.format(step)
        path = os.path.join(self.out_dir, name)
        here = Path(self.out_dir).absolute()
        own = old.name.startswith(stem) and old.parent == here
        hub.update_info(f'best_score{suffix}', score)
        hub.update_info(f'best_ckpt{suffix}', path)
        if several:
            self.best_ckpt_path_dict[indicator] = path
        else:
            self.best_ckpt_path = path
        meta = dict(epoch=runner.epoch, iter=runner.iter)
        self._write(
            runner,
            name,
            meta,
            by_epoch=False,
            save_optimizer=False,
            save_param_scheduler=False,
        )
        if own and old != Path(path) and is_main_process():
            old.unlink(missing_ok=True)
        runner.logger.info(
            f'new best checkpoint {name}: {indicator} {score:.4f} at {unit} '
            f'{step}'
        )
        return True

    def _write(self, runner, name: str, meta: dict, **options) -> None:
        """Write a file with :meth:`Runner.save_checkpoint` and publish it."""
        path = Path(self.out_dir, name)
        part = Path(self.out_dir, f'{name}.part')
        self._gradients = accumulated_gradients(runner)  # of all processes
        try:
            runner.save_checkpoint(
                self.out_dir, part.name, meta=meta, **options
            )
            if is_main_process():
                publish(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OSError(
                error.errno,
                f'the checkpoint {path} could not be written '
                f'({error.strerror}). Existing checkpoints are intact: '
                'free some space, then continue with --resume',
            ) from error
