from .near_duplicates import near_duplicates
from .official_parts import OfficialPart, fer_dataset_configs, read_parts
from .verify import PartReport, Report, verify

__all__ = [
    'OfficialPart',
    'PartReport',
    'Report',
    'fer_dataset_configs',
    'near_duplicates',
    'read_parts',
    'verify',
]
