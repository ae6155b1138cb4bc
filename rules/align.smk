# Cut the faces out, upright.


rule align:
    input:
        photos,
    output:
        "<results>/align/{shard}.json",
    log:
        "<results>/log/align/{shard}.log",
    priority: precedence("align")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("align"),
        made_by=made_by("align"),
    shell:
        "unripple stage align --shard {wildcards.shard} --results {params.results:q} --job {params.job:q} --log {log:q}"
