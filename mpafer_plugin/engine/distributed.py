import atexit
import gc
import os

import torch
import torch.distributed
from mmengine.dist import all_reduce_dict
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from torch import nn


# In mmengine's own registry: its runner looks for wrappers nowhere else.
@MODEL_WRAPPERS.register_module()
class FERDistributedDataParallel(MMDistributedDataParallel):
    """mmengine's wrapper, on GPUs or CPUs, with the mean of logged losses.

    Two things that mmengine (0.10.7) lacks: it passes device ids, which torch
    refuses for a model on the CPU, and it logs what the first rank alone saw.

    Args:
        module (nn.Module): The model, on its device.
        device_ids (list[int], optional): The GPU of this process; has no
            meaning for a model on the CPU. Defaults to None.
        broadcast_buffers (bool): Whether buffers are sent around before each
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
            dict[str, torch.Tensor]: The losses, means over all ranks.
        """
        logs = super().train_step(data, optim_wrapper)
        logs = {name: value.detach() for name, value in logs.items()}
        all_reduce_dict(logs, op='mean')
        return logs


def join_process_group(launcher: str) -> None:
    """Join the other processes where there is no GPU.

    mmengine (0.10.7) chooses a CUDA device even for gloo. It leaves a process
    group alone that is there already, so this comes before the runner. With
    GPUs it does nothing: mmengine joins with nccl.

    Args:
        launcher (str): How the processes were started. Without a GPU only
            'pytorch' (torchrun) is supported.

    Raises:
        ValueError: If the launcher is another one, or if there are more
            processes than GPUs on this machine.
    """
    if launcher == 'none' or torch.distributed.is_initialized():
        return
    gpus = torch.cuda.device_count()
    if gpus:
        processes = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
        if processes > gpus:
            raise ValueError(
                f'{processes} processes were started on this machine, which '
                f'has {gpus} GPUs: start one process a GPU'
            )
        return
    if launcher != 'pytorch':
        raise ValueError(
            f'--launcher {launcher!r} needs GPUs, and this machine has none. '
            "On CPUs start the processes by torchrun (--launcher 'pytorch'), "
            'as tools/dist_train.sh and tools/slurm_train.sh do'
        )
    torch.distributed.init_process_group('gloo')
    atexit.register(_leave_process_group)


def _leave_process_group() -> None:
    """End gloo's threads before Python ends.

    One that still has a tensor to let go of by then aborts the process. They
    end with the group, which the wrapped model holds too, in a ring of
    references: so it is collected first.
    """
    gc.collect()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
