rule measure:
    input:
        by_recipe(
            ripple=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/ripple/{edit}/{shard}.json",
                "<results>/inpaint/{edit}/{shard}.json",
                "<results>/compose/{edit}/{shard}.json",
            ],
            ceteris_paribus=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/parse/photo/{shard}.json",
                "<results>/parse/{edit}/{shard}.json",
                "<results>/compose/{edit}/{shard}.json",
            ],
            external=[
                "<results>/align/{shard}.json",
                "<results>/register/{edit}/{shard}.json",
                "<results>/ripple/{edit}/{shard}.json",
                "<results>/inpaint/{edit}/{shard}.json",
                "<results>/compose/{edit}/{shard}.json",
            ],
        ),
    output:
        "<results>/measure/{edit}/{shard}.json",
    log:
        "<results>/log/measure/{edit}/{shard}.log",
    priority: precedence("measure")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("measure"),
        made_by=made_by("measure"),
    shell:
        "unripple stage measure --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
