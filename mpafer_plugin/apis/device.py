import torch


def find_device(device: str | torch.device | None) -> torch.device:
    """Find the device that a model goes to, before anything is built.

    Args:
        device (str | torch.device, optional): None means a GPU if there is
            one, else the CPU.

    Raises:
        ValueError: If there is no such device, or it can't be used.
    """
    if device is None:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        return torch.empty(0, device=device).device
    # A torch without CUDA has an AssertionError for it.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device={str(device)!r} can not be used: {reason}'
        ) from error
