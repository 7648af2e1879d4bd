"""The entry point of every `python -m segexp.<name>`: one configuration, and one clear error for bad input."""

import difflib
import functools
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from segexp.config.compose import config_folder, is_option, load, resolve
from segexp.config.usage import usage
from segexp.system import signals
from segexp.system.pipe import BROKEN_PIPE, has_reader, quiet_without_reader
from segexp.types import Values

USER_ERRORS = (ValueError, OSError, FloatingPointError, InstantiationException)
"""Errors that a user can cause and mend. They name the cure, so no traceback is shown; status.json has it."""


def entry_point(name: str) -> Callable[[Callable[[Values], None]], Callable[[], None]]:
    """Make `main(values)` the entry point configured by conf/<name>.yaml; values: the configuration, resolved."""

    def decorate(main: Callable[[Values], None]) -> Callable[[], None]:
        @functools.wraps(main)
        def job(config: DictConfig) -> None:
            try:
                main(resolve(config, name, HydraConfig.get().overrides.task))
            except USER_ERRORS as error:
                if isinstance(error, BrokenPipeError) and not has_reader():
                    sys.exit(BROKEN_PIPE)  # Hydra would print any other exception
                sys.exit(f"segexp.{name}: {_without_search_path(error)}")

        command = hydra.main(str(config_folder()), name, version_base="1.3")(job)
        return lambda: quiet_without_reader(lambda: _run(name, command))

    return decorate


def _run(name: str, command: Callable[[], None]) -> None:
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors of composing reach us instead of being printed by Hydra
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))  # allowed anywhere
    try:
        sys.argv[1:] = _gather_overrides(sys.argv[1:])
        if {"--help", "-h"} & set(sys.argv[1:]):
            print(usage(name, sys.argv[1:], get_args_parser().parse_known_args(sys.argv[1:])[0].config_dir))
        else:
            command()
    except KeyboardInterrupt:
        print(f"segexp.{name}: interrupted", file=sys.stderr)
        sys.exit(signals.INTERRUPTED)
    except (HydraException, OmegaConfBaseException) as error:
        if isinstance(error.__cause__, OSError):  # of a folder's name in conf/, which makes the folder
            sys.exit(f"segexp.{name}: {error.__cause__}")
        known = _explain_quotes(error) or _explain_option(error, sys.argv[1:])
        explained = known or explain(name, sys.argv[1:]) or _without_search_path(error)
        sys.exit(f"segexp.{name}: {explained}\nall keys and options: python -m segexp.{name} --help")
    except ValueError as error:
        sys.exit(f"segexp.{name}: {error}")
    except OSError as error:  # of Hydra, which makes the folders of runs and sweeps, or of a launcher
        if isinstance(error, BrokenPipeError):
            raise
        sys.exit(f"segexp.{name}: {error}; choose folders that you may write to (hydra.run.dir, hydra.sweep.dir)")


def _gather_overrides(arguments: list[str]) -> list[str]:
    """The same arguments with all overrides together, as Hydra's parser needs them; users type them around options."""
    known, further = get_args_parser().parse_known_args(arguments)
    if not further or any(word.startswith("-") for word in further):  # the parser names the unknown option
        return arguments
    overrides = [*known.overrides, *further]
    return [*overrides, *(word for word in arguments if word not in overrides)]


def _without_search_path(error: Exception) -> str:
    """The error's text, without the places where Hydra looked for options."""
    return str(error).split("\nConfig search path:")[0]


def _explain_quotes(error: Exception) -> str | None:
    """How to quote a `key=value` that Hydra's grammar cannot read; None if quotes do not help."""
    if not isinstance(error, OverrideParseException):
        return None
    key, _, value = error.override.partition("=")
    quoted = f'{key}="{value}"'
    try:
        is_text = OverridesParser.create().parse_override(quoted).value() == value
    except HydraException:
        return None
    if not is_text or value.startswith(("[", "{")):
        return None
    return (
        f"{error.override} cannot be read: letters outside ASCII, =, a leading ~ and some other characters need "
        f"quotes inside those of the shell; type {shlex.quote(quoted)}"
    )


def _explain_option(error: Exception, arguments: list[str]) -> str | None:
    """The options of a group in place of one that it does not have, alone or in a list such as logger=[wandb,csv]."""
    if not isinstance(error, MissingConfigException):
        return None
    group, _, option = str(error.missing_cfg_file).rpartition("/")
    if not group:
        return None
    further = get_args_parser().parse_known_args(arguments)[0].config_dir
    folders = [config_folder() / group, *([Path(further) / group] if further else [])]
    allowed = sorted({file.stem for folder in folders for file in folder.glob("*.yaml")})
    close = difflib.get_close_matches(option, allowed, n=1)
    hint = f"did you mean {group}={close[0]}? " if close else ""
    return f"no option {option!r}; {hint}options of {group}: {', '.join(allowed)}" if allowed else None


def explain(name: str, arguments: list[str]) -> str | None:
    """What is allowed in place of the first key that conf/<name>.yaml does not have; None if Hydra says it itself."""
    folder = get_args_parser().parse_known_args(arguments)[0].config_dir
    typed = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    try:
        overrides = OverridesParser.create().parse_overrides(typed)
        options = [str(each.input_line) for each in overrides if is_option(each)]
        config = load(name, options, [folder] if folder else [])
    except HydraException:  # no such option, or no such grammar: Hydra says itself what is allowed
        return None
    changes = (each for each in overrides if each.type is OverrideType.CHANGE and not _is_no_key(each))
    explained = ((each, _explain_key(config, each.key_or_group)) for each in changes)
    override, answer = next((pair for pair in explained if pair[1]), (None, None))
    if override and any(each.key_or_group == "resume" for each in overrides):
        return f"{answer}; for a key that only the run has, type {shlex.quote(f'++{override.input_line}')}"
    return answer


def _is_no_key(override: Override) -> bool:
    return is_option(override) or override.key_or_group.startswith("hydra.")


def _explain_key(config: DictConfig, key: str) -> str | None:
    *parents, last = key.split(".")
    node = OmegaConf.select(config, ".".join(parents)) if parents else config
    if node is None and parents:
        return _explain_key(config, ".".join(parents))
    if not isinstance(node, DictConfig) or last in list(node):  # `in node` denies keys without a value
        return None
    allowed = [str(each) for each in node]
    values = cast(Values, OmegaConf.to_container(node))
    deeper = [f"{name}.{last}" for name, value in values.items() if isinstance(value, dict) and last in value]
    close = difflib.get_close_matches(last, allowed, n=1) or deeper
    hint = f"did you mean {' or '.join('.'.join([*parents, each]) for each in close)}? " if close else ""
    return f"no key {key!r}; {hint}{'.'.join(parents) or 'the configuration'} has: {', '.join(allowed)}"
