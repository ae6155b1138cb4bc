# Label the parts of the face, of the photo and of each edit.


rule parse:
    input:
        shown_picture,
    output:
        "<results>/parse/{of}/{shard}.json",
    log:
        "<results>/log/parse/{of}/{shard}.log",
    priority: precedence("parse")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("parse"),
        made_by=made_by("parse"),
    shell:
        "unripple stage parse --shard {wildcards.shard} --edit {wildcards.of} --results {params.results:q} --job {params.job:q} --log {log:q}"
