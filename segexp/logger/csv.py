"""Log metrics to a CSV file, for spreadsheets."""

from pytorch_lightning.loggers import CSVLogger, Logger


def csv_logger(folder: str) -> Logger:
    """Lightning's CSVLogger, writing below the run folder. A resume begins it anew; metrics.jsonl survives one."""
    return CSVLogger(folder, name="", version="csv")
