from .cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from .float16_optim_wrapper import Float16OptimWrapper

__all__ = ['CPUAmpOptimWrapper', 'Float16OptimWrapper']
