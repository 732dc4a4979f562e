from .official_parts import OfficialPart, read_parts, reader_configs
from .report import PartReport, Report
from .verify import verify

__all__ = [
    'OfficialPart',
    'PartReport',
    'Report',
    'read_parts',
    'reader_configs',
    'verify',
]
