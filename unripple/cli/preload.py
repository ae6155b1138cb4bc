"""Imported by the process that all workers of a workflow are forked from, and nothing else.

It loads what nearly every job needs, once for all and into memory that they share. No thread may be
started here.
"""

import importlib
import itertools
import os
import signal

from unripple.cli.main import COMMANDS
from unripple.conventions import STAGES
from unripple.processes import die_with, importing, seldom_collect
from unripple.runtime.cache import keep_artifacts
from unripple.runtime.template import NETWORKS, load_networks
from unripple.zoo.zoo import keep_networks

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Snakemake gets it, too, and ends us
die_with(os.getppid())

commands = itertools.chain.from_iterable(COMMANDS.values())
stages = (f"unripple.stages.{stage}" for stage in STAGES)
with importing():
    for name in ("torch", "PIL.PngImagePlugin", "PIL.JpegImagePlugin", *commands, *stages):
        importlib.import_module(name)
keep_networks()
keep_artifacts()
load_networks(os.environ.get(NETWORKS, ""))
seldom_collect()
