"""Imported by the process that all workers of a workflow are forked from, and nothing else.

It loads what nearly every job needs, once for all and into memory that they share. No thread may be
started here.
"""

import gc
import importlib
import os
import signal

from unripple.cli.main import COMMANDS
from unripple.conventions import STAGES
from unripple.processes import die_with
from unripple.zoo.zoo import keep_networks

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Snakemake gets it, too, and ends us
die_with(os.getppid())

gc.disable()  # nothing here is garbage: looking for it is a fifth of the time
for name in ("torch", "PIL.PngImagePlugin", "PIL.JpegImagePlugin", *COMMANDS):
    importlib.import_module(name)
for stage in STAGES:
    importlib.import_module(f"unripple.stages.{stage}")
keep_networks()
gc.freeze()
gc.enable()
