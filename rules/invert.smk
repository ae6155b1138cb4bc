# Draw each face again from its codes.


rule invert:
    input:
        "<results>/align/{shard}.json",
        "<results>/project/{shard}.json",
    output:
        "<results>/invert/{shard}.json",
    log:
        "<results>/log/invert/{shard}.log",
    priority: precedence("invert")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("invert"),
        made_by=made_by("invert"),
    shell:
        "unripple stage invert --shard {wildcards.shard} --results {params.results:q} --job {params.job:q} --log {log:q}"
