# Strips of all stages, figures, and what went wrong.


rule report:
    input:
        every_manifest,
    output:
        report(
            "<results>/report.html",
            caption="../workflow/report/report.rst",
            category="Edits",
            labels={"what": "every photo and edit, to look at"},
        ),
        report(
            "<results>/measure.json",
            caption="../workflow/report/measure.rst",
            category="Edits",
            labels={"what": "figures, as a table for programs"},
        ),
    log:
        "<results>/log/report.log",
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=lambda wildcards: json.dumps(CONFIG, sort_keys=True),
    shell:
        "unripple stage report --results {params.results:q} --job {params.job:q} --log {log:q}"
