from .official_parts import OfficialPart, read_parts, reader_configs
from .report import PartReport, Report
from .run import verify

__all__ = [
    'OfficialPart',
    'PartReport',
    'Report',
    'read_parts',
    'reader_configs',
    'verify',
]
