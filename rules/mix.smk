# Bring back from the photo what the edit is not about.


rule mix:
    input:
        "<results>/align/{shard}.json",
        "<results>/invert/{shard}.json",
        "<results>/restore/{edit}/{shard}.json",
        "<results>/parse/photo/{shard}.json",
        "<results>/parse/{edit}/{shard}.json",
        "<results>/foreground/{edit}/{shard}.json",
    output:
        "<results>/mix/{edit}/{shard}.json",
    log:
        "<results>/log/mix/{edit}/{shard}.log",
    priority: precedence("mix")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("mix"),
        made_by=made_by("mix"),
    shell:
        "unripple stage mix --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
