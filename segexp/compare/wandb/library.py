"""The optional package wandb-workspaces, without the warnings that its import gives."""

import warnings

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is written for Pydantic 1
        import wandb_workspaces.reports.v2 as reports
        from wandb_workspaces import expr, workspaces
except ImportError:
    raise ValueError("dashboards in W&B need wandb-workspaces; install it: pip install 'segexp[workspaces]'") from None

__all__ = ["expr", "reports", "workspaces"]
