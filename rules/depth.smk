# Estimate inverse depth, of the photo and of each edit.


rule depth:
    input:
        shown_picture,
    output:
        "<results>/depth/{of}/{shard}.json",
    log:
        "<results>/log/depth/{of}/{shard}.log",
    priority: precedence("depth")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("depth"),
        made_by=made_by("depth"),
    shell:
        "unripple stage depth --shard {wildcards.shard} --edit {wildcards.of} --results {params.results:q} --job {params.job:q} --log {log:q}"
