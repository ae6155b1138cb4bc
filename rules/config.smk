# The config, read strictly before Snakemake reads it: it ends in a traceback over what it does not know.

from functools import wraps
from pathlib import Path

from snakemake.logging import logger

from unripple.conventions import UnrippleError
from unripple.io import plain_yaml


def plainly(function):
    """Say in one sentence what is wrong and end: to an error Snakemake would add a traceback."""

    @wraps(function)
    def said(*words):
        try:
            return function(*words)
        except UnrippleError as error:
            logger.error(f"unripple: {error}")
        except OSError as error:
            logger.error(f"unripple: {error.filename}: {error.strerror}")
        raise SystemExit(1)

    return said


if Path("config.yaml").exists():
    plainly(plain_yaml.check_for_snakemake)(Path("config.yaml"))
