# Strips of all stages, figures, and what went wrong.


rule report:
    input:
        every_manifest,
    output:
        "results/report.html",
        "results/measure.json",
    log:
        "results/log/report.log",
    conda:
        "../envs/unripple.yaml"
    params:
        job=json.dumps(CONFIG, sort_keys=True),
    shell:
        "unripple report --job {params.job:q} --log {log:q}"
