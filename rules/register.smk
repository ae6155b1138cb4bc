# Undo what another program's redrawing did to the whole picture.


rule register:
    input:
        "<results>/align/{shard}.json",
    output:
        "<results>/register/{edit}/{shard}.json",
    log:
        "<results>/log/register/{edit}/{shard}.log",
    priority: precedence("register")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("register"),
        made_by=made_by("register"),
    shell:
        "unripple stage register --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
