"""Workers of a data loader, which their parent alone ends."""

import tempfile

import torch
from torch.utils.data import DataLoader, TensorDataset

from mpafer_plugin.datasets.worker_init import leave_signals_to_main


def test_a_worker_leaves_no_folder(tmp_path, monkeypatch):
    """Python's own, where tensors are handed over."""
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    loader = DataLoader(
        TensorDataset(torch.zeros(4)),
        num_workers=1,
        persistent_workers=True,
        worker_init_fn=leave_signals_to_main,
    )
    batches = iter(loader)
    next(batches)
    assert list(tmp_path.iterdir())
    (worker,) = batches._workers
    worker.terminate()  # as at the end of the process
    worker.join(10)
    assert worker.exitcode == 0
    assert not list(tmp_path.iterdir())
