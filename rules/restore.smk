# Repair what the generator drew badly in the face, where there is a restorer.


rule restore:
    input:
        "<results>/edit/{edit}/{shard}.json",
        "<results>/parse/{edit}/{shard}.json",
    output:
        "<results>/restore/{edit}/{shard}.json",
    log:
        "<results>/log/restore/{edit}/{shard}.log",
    priority: precedence("restore")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("restore"),
        made_by=made_by("restore"),
    shell:
        "unripple stage restore --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
