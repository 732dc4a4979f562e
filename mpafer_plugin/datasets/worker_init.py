import os
import shutil
import signal
import threading
from multiprocessing.process import current_process
from multiprocessing.util import get_temp_dir

import torch
from mmengine.registry import FUNCTIONS

from mpafer_plugin.utils.seeding import seed_generators


@FUNCTIONS.register_module()
def leave_signals_to_main(worker_id: int) -> None:
    """Make a data loader's worker ignore SIGTERM except from its parent.

    Clusters send SIGTERM to all processes of a job. The main process needs
    its workers until it has saved a checkpoint; then it ends them by the same
    signal, and each removes its temporary folder, which torch's own workers
    leave behind. Where the sender of a signal is unknown (macOS), torch's
    behaviour stays.

    This replaces mmengine's own function, so it also seeds the generators by
    rank, for datasets that are not augmented by seed, epoch and index.

    Args:
        worker_id (int): Unused.
    """
    seed_generators(torch.initial_seed(), int(os.environ.get('RANK', 0)))
    if hasattr(signal, 'sigwaitinfo'):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        # That of the parent is not used, and so not removed.
        current_process()._config.pop('tempdir', None)  # type: ignore
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for SIGTERM from the parent, then exit."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    shutil.rmtree(get_temp_dir(), ignore_errors=True)
    os._exit(0)
