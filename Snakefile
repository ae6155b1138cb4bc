# unripple: photos in, edited photos out. The stages, in running order.

from snakemake.utils import min_version

min_version("9.3")


include: "rules/config.smk"


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/align.smk"
include: "rules/project.smk"
include: "rules/invert.smk"
include: "rules/translate.smk"
include: "rules/edit.smk"
include: "rules/register.smk"
include: "rules/parse.smk"
include: "rules/restore.smk"
include: "rules/ripple.smk"
include: "rules/depth.smk"
include: "rules/foreground.smk"
include: "rules/mix.smk"
include: "rules/inpaint.smk"
include: "rules/compose.smk"
include: "rules/paste.smk"
include: "rules/measure.smk"
include: "rules/report.smk"
include: "rules/view.smk"
include: "rules/train.smk"


# Every intermediate manifest, not only the last: after a failed rerun Snakemake would otherwise
# take stale results for finished ones.
rule all:
    default_target: True
    input:
        every_manifest,
        "results/report.html",
        "results/measure.json",
