import os
import signal
import threading

import torch
from mmengine.registry import FUNCTIONS

from mpafer_plugin.utils.seeding import seed_generators


@FUNCTIONS.register_module()
def leave_signals_to_main(worker_id: int) -> None:
    """Let a worker of a data loader outlive SIGTERM that is not its parent's.

    It takes the place of mmengine's own function, and so seeds the generators
    by rank too, for datasets that don't draw by seed, epoch and index.

    Clusters send it to all processes of a job. The main process needs its
    workers until it has saved; then it ends them, by the same signal. Systems
    that don't tell who sent a signal (macOS) keep torch's behaviour.

    Args:
        worker_id (int): Unused.
    """
    seed_generators(torch.initial_seed(), int(os.environ.get('RANK', 0)))
    if hasattr(signal, 'sigwaitinfo'):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
