# Move the codes along the edit's directions.


rule translate:
    input:
        "<results>/project/{shard}.json",
    output:
        "<results>/translate/{edit}/{shard}.json",
    log:
        "<results>/log/translate/{edit}/{shard}.log",
    priority: precedence("translate")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("translate"),
        made_by=made_by("translate"),
    shell:
        "unripple stage translate --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
