import torch


def find_device(device: str | torch.device | None) -> torch.device:
    """Choose a device and check that it can be used.

    Args:
        device (str | torch.device, optional): None: a GPU if available, else
            the CPU.

    Raises:
        ValueError: If the device does not exist or cannot be used.
    """
    if device is None:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        return torch.empty(0, device=device).device
    # torch without CUDA raises AssertionError.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device={str(device)!r} cannot be used: {reason}'
        ) from error
