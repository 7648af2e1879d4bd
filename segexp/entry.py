"""What every `python -m segexp.<name>` has in common: one configuration, and one clear error for bad input."""

import difflib
import functools
import os
import sys
from collections.abc import Callable

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from segexp import build

USER_ERRORS = (ValueError, OSError, FloatingPointError, InstantiationException)
"""What a user can cause and mend: these carry their cure, so no traceback is shown (a training's is in status.json)."""


def entry(name: str) -> Callable[[Callable[[DictConfig], None]], Callable[[], None]]:
    """Make `main(config)` the entry point configured by conf/<name>.yaml."""

    def decorate(main: Callable[[DictConfig], None]) -> Callable[[], None]:
        @functools.wraps(main)
        def job(config: DictConfig) -> None:
            try:
                main(config)
            except USER_ERRORS as error:
                sys.exit(f"segexp.{name}: {error}")

        return lambda: _run(name, hydra.main(str(build.config_folder()), name, version_base="1.3")(job))

    return decorate


def _run(name: str, command: Callable[[], None]) -> None:
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors of composing reach us instead of being printed by Hydra
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))  # allowed anywhere
    try:
        command()
    except (HydraException, OmegaConfBaseException) as error:
        explained = explain(name, sys.argv[1:]) or str(error).split("\nConfig search path:")[0]
        sys.exit(f"segexp.{name}: {explained}\nall keys and options: python -m segexp.{name} --help")
    except ValueError as error:
        sys.exit(f"segexp.{name}: {error}")


def explain(name: str, arguments: list[str]) -> str | None:
    """For the first `key=value` whose key conf/<name>.yaml does not have: what is allowed in its place."""
    typed = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    try:
        overrides = OverridesParser.create().parse_overrides(typed)
        config = build.compose(name, [str(each.input_line) for each in overrides if _is_option(each)])
    except HydraException:  # no such option, or no such grammar: Hydra says itself what is allowed
        return None
    changes = (each for each in overrides if each.type is OverrideType.CHANGE and not _is_foreign(each))
    return next(filter(None, (_explain_key(config, each.key_or_group) for each in changes)), None)


def _is_foreign(override: Override) -> bool:
    return _is_option(override) or override.key_or_group.startswith("hydra.")


def _is_option(override: Override) -> bool:
    return (build.config_folder() / override.key_or_group.split("@")[0]).is_dir()


def _explain_key(config: DictConfig, key: str) -> str | None:
    *parents, last = key.split(".")
    node = OmegaConf.select(config, ".".join(parents)) if parents else config
    if node is None and parents:
        return _explain_key(config, ".".join(parents))
    if not isinstance(node, DictConfig) or last in list(node):  # `in node` denies keys without a value
        return None
    allowed = [str(each) for each in node]
    close = difflib.get_close_matches(last, allowed, n=1)
    hint = f"; did you mean {'.'.join([*parents, *close])}?" if close else ""
    return f"no key {key!r}; {'.'.join(parents) or 'the configuration'} has: {', '.join(allowed)}{hint}"
