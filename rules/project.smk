# Describe each face by the generator's codes.


rule project:
    input:
        "<results>/align/{shard}.json",
    output:
        "<results>/project/{shard}.json",
    log:
        "<results>/log/project/{shard}.log",
    priority: precedence("project")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("project"),
        made_by=made_by("project"),
    shell:
        "unripple stage project --shard {wildcards.shard} --results {params.results:q} --job {params.job:q} --log {log:q}"
