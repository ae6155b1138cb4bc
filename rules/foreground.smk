# Split both depth maps into person and background.


rule foreground:
    input:
        "<results>/depth/photo/{shard}.json",
        "<results>/depth/{edit}/{shard}.json",
    output:
        "<results>/foreground/{edit}/{shard}.json",
    log:
        "<results>/log/foreground/{edit}/{shard}.log",
    priority: precedence("foreground")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("foreground"),
        made_by=made_by("foreground"),
    shell:
        "unripple stage foreground --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
