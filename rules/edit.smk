# Draw the moved codes, ripples and all.


rule edit:
    input:
        "<results>/align/{shard}.json",
        "<results>/invert/{shard}.json",
        "<results>/translate/{edit}/{shard}.json",
    output:
        "<results>/edit/{edit}/{shard}.json",
    log:
        "<results>/log/edit/{edit}/{shard}.log",
    priority: precedence("edit")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("edit"),
        made_by=made_by("edit"),
    shell:
        "unripple stage edit --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
