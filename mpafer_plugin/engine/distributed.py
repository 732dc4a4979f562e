import atexit
import gc
import os
from typing import Any

import torch
import torch.distributed
from mmengine.dist import all_reduce_dict
from mmengine.model import (
    BaseTTAModel,
    MMDistributedDataParallel,
    is_model_wrapper,
)
from mmengine.registry import MODEL_WRAPPERS
from torch import nn


# In mmengine's own registry: its runner looks for wrappers nowhere else.
@MODEL_WRAPPERS.register_module()
class FERDistributedDataParallel(MMDistributedDataParallel):
    """Data-parallel wrapper for GPUs and CPUs that averages logged losses.

    mmengine's own (0.10.7) passes device ids, which torch refuses for a model
    on the CPU, and logs the losses of the first rank only.

    Args:
        module (nn.Module): The model, on its device.
        device_ids (list[int], optional): The GPU of this process; ignored for
            a model on the CPU. Defaults to None.
        broadcast_buffers (bool): Whether buffers are broadcast before each
            step. Defaults to False, as in mmengine's runner: prototypes are
            the same on all ranks already.
        **kwargs: See :class:`mmengine.model.MMDistributedDataParallel`.
    """

    def __init__(
        self,
        module: nn.Module,
        device_ids: list[int] | None = None,
        broadcast_buffers: bool = False,
        **kwargs,
    ):
        on_cpu = next(module.parameters()).device.type == 'cpu'
        super().__init__(
            module,
            device_ids=None if on_cpu else device_ids,
            broadcast_buffers=broadcast_buffers,
            **kwargs,
        )

    def train_step(self, data, optim_wrapper) -> dict[str, torch.Tensor]:
        """Train on this rank's share of the batch.

        Returns:
            dict[str, torch.Tensor]: Losses, averaged over all ranks.
        """
        logs = super().train_step(data, optim_wrapper)
        logs = {name: value.detach() for name, value in logs.items()}
        all_reduce_dict(logs, op='mean')
        return logs


def unwrap_model(model: Any) -> Any:
    """Return the model inside of wrappers: data-parallel or TTA."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def join_process_group(launcher: str) -> None:
    """Initialize the process group on machines without a GPU.

    mmengine (0.10.7) selects a CUDA device even for gloo, but leaves an
    existing process group alone: call this before the runner is built. With
    GPUs mmengine initializes nccl. Either group is ended when Python exits.

    Args:
        launcher (str): How the processes were started. Without a GPU only
            'pytorch' (torchrun) is supported.

    Raises:
        ValueError: If the launcher is not supported, or if there are more
            processes than GPUs on this machine.
    """
    if launcher == 'none' or torch.distributed.is_initialized():
        return
    atexit.register(_leave_process_group)
    gpus = torch.cuda.device_count()
    if gpus:
        processes = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
        if processes > gpus:
            raise ValueError(
                f'{processes} processes were started on this machine, which '
                f'has {gpus} GPUs: start one process per GPU'
            )
        return
    if launcher != 'pytorch':
        raise ValueError(
            f'--launcher {launcher!r} needs GPUs, and this machine has none. '
            "On CPUs start the processes by torchrun (--launcher 'pytorch'), "
            'as tools/dist_train.sh and tools/slurm_train.sh do'
        )
    torch.distributed.init_process_group('gloo')


def _leave_process_group() -> None:
    """End the threads of gloo and nccl before Python exits.

    A thread of gloo that still holds a tensor then aborts the process, and
    nccl's watchdog complains. The threads end with the group, which the
    wrapped model refers to in a reference cycle: hence the garbage collection.
    """
    gc.collect()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
