import os
import signal
import threading
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmpretrain.registry import HOOKS

from .safe_checkpoint_hook import SafeCheckpointHook

PREEMPTED = 75
"""Exit code of a preempted run that can be resumed (EX_TEMPFAIL)."""


@HOOKS.register_module()
class PreemptionHook(Hook):
    """Checkpoint and exit on preemption (SIGTERM).

    Clusters send SIGTERM before they kill a job. During training the iteration
    is finished, ``iter_N.pth`` is written and the process exits with code 75;
    ``--resume`` continues with the next iteration. At other times there is
    nothing new to save, and the process exits with the same code at once.
    Further signals are ignored. It is enough that one of several processes
    receives the signal; they compare every ten iterations. A process forked
    from this one, and this one after a run that failed, take the signal as
    they did before the run.

    Requires a :class:`SafeCheckpointHook` and, to resume mid-epoch, a
    :class:`ResumableTrainLoop`. Without them the last checkpoint remains, and
    the log says that nothing was saved.
    """

    # After the schedulers and the checkpoints of the same iteration.
    priority = 'LOWEST'

    def __init__(self):
        self._asked = False
        self._training = False
        self._runner: Any = None
        self._process = 0
        self._former: Any = None

    def before_run(self, runner) -> None:
        """Install the signal handler, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._runner, self._process = runner, os.getpid()
            self._former = signal.signal(signal.SIGTERM, self._on_signal)

    def after_run(self, runner) -> None:
        """Restore the previous signal handler."""
        if self._former is not None:
            signal.signal(signal.SIGTERM, self._former)

    def before_train_epoch(self, runner) -> None:
        """Exit if asked to; from now on an iteration can be saved."""
        self._stop_if_asked(runner)
        self._training = True

    def after_train_iter(
        self, runner, batch_idx: int, *args, **kwargs
    ) -> None:
        """Save and exit, if any rank was asked to."""
        if not self._any_asked(runner, batch_idx):
            return
        saved = any(
            isinstance(hook, SafeCheckpointHook) and hook.save_now(runner)
            for hook in runner.hooks
        )
        outcome = 'saved' if saved else 'NOT saved (see PreemptionHook)'
        runner.logger.warning(
            f'SIGTERM: {outcome} after iteration {runner.iter + 1}; exit code '
            f'{PREEMPTED}. Continue with --resume'
        )
        raise SystemExit(PREEMPTED)

    def after_train_epoch(self, runner, *args, **kwargs) -> None:
        """Exit if asked to: the epoch's checkpoint is written."""
        self._training = False
        self._stop_if_asked(runner)

    def _any_asked(self, runner, batch_idx: int) -> bool:
        """Return whether any rank was asked to stop, if all compare now."""
        if get_world_size() == 1:
            return self._asked
        # Each comparison is a wait for all.
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        if not self.every_n_train_iters(runner, 10) and not (
            by_epoch and self.end_of_epoch(runner.train_dataloader, batch_idx)
        ):
            return False
        asked = torch.tensor(int(self._asked))
        all_reduce(asked, op='max')
        return bool(asked)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._runs(frame):
            signal.signal(number, self._former or signal.SIG_DFL)
            signal.raise_signal(number)
            return
        again, self._asked = self._asked, True
        if not (self._training or again):
            raise SystemExit(PREEMPTED)

    def _runs(self, frame: FrameType | None) -> bool:
        """Return whether a method of the runner is at work here.

        `after_run` is not called when a run fails.
        """
        if os.getpid() != self._process:
            return False
        while frame and frame.f_locals.get('self') is not self._runner:
            frame = frame.f_back
        return frame is not None

    def _stop_if_asked(self, runner) -> None:
        if self._asked:
            raise SystemExit(PREEMPTED)
