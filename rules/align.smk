# Cut the faces out, upright.


rule align:
    input:
        photos,
        landmarks_file,
    output:
        "results/align/{shard}.json",
    log:
        "results/log/align/{shard}.log",
    priority: precedence("align")
    conda:
        "../envs/unripple.yaml"
    params:
        job=job("align"),
        made_by=made_by("align"),
    shell:
        "unripple align --shard {wildcards.shard} --job {params.job:q} --log {log:q}"
