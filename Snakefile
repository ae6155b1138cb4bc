# unripple: photos in, edited photos out. The stages, in running order.

from snakemake.utils import min_version

min_version("9.12")


include: "rules/config.smk"


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"


# align, project, invert, translate, edit, parse, ...: `STAGES` in unripple/conventions.py.
for stage in STAGES:

    include: f"rules/{stage}.smk"


include: "rules/view.smk"
include: "rules/train.smk"


# Every intermediate manifest, not only the last: after a failed rerun Snakemake would otherwise
# take stale results for finished ones.
rule all:
    default_target: True
    input:
        every_manifest,
        "<results>/report.html",
        "<results>/measure.json",
