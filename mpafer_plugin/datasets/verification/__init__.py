from .official_parts import OfficialPart, fer_dataset_configs, read_parts
from .report import PartReport, Report
from .verify import verify

__all__ = [
    'OfficialPart',
    'PartReport',
    'Report',
    'fer_dataset_configs',
    'read_parts',
    'verify',
]
