from .fer_csv import FERCsv
from .fer_folder import FERFolder

__all__ = ['FERCsv', 'FERFolder']
