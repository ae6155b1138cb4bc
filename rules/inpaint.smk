# Paint the background that the person hid.


rule inpaint:
    input:
        by_recipe(
            ripple=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/ripple/{edit}/{shard}.json",
                "<results>/foreground/{edit}/{shard}.json",
            ],
            external=[
                "<results>/align/{shard}.json",
                "<results>/register/{edit}/{shard}.json",
                "<results>/ripple/{edit}/{shard}.json",
                "<results>/foreground/{edit}/{shard}.json",
            ],
        ),
    output:
        "<results>/inpaint/{edit}/{shard}.json",
    log:
        "<results>/log/inpaint/{edit}/{shard}.log",
    priority: precedence("inpaint")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("inpaint"),
        made_by=made_by("inpaint"),
    shell:
        "unripple stage inpaint --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
