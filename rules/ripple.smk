# Mark what the edit uncovered or smeared.


rule ripple:
    input:
        "<results>/parse/photo/{shard}.json",
        "<results>/parse/{edit}/{shard}.json",
    output:
        "<results>/ripple/{edit}/{shard}.json",
    log:
        "<results>/log/ripple/{edit}/{shard}.log",
    priority: precedence("ripple")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("ripple"),
        made_by=made_by("ripple"),
    shell:
        "unripple stage ripple --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
