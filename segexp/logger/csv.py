"""metrics.csv, for spreadsheets."""

from pytorch_lightning.loggers import CSVLogger, Logger


def csv_logger(folder: str) -> Logger:
    """Lightning's CSVLogger, writing metrics.csv in the run folder; metrics.jsonl beside it survives a resume."""
    return CSVLogger(folder, name="", version="csv")
