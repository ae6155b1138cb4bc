# Put the edited person over that background.
rule compose:
    input:
        by_recipe(
            ripple=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/parse/{edit}/{shard}.json",
                "<results>/ripple/{edit}/{shard}.json",
                "<results>/foreground/{edit}/{shard}.json",
                "<results>/inpaint/{edit}/{shard}.json",
            ],
            ceteris_paribus=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/parse/{edit}/{shard}.json",
                "<results>/mix/{edit}/{shard}.json",
            ],
            external=[
                "<results>/align/{shard}.json",
                "<results>/register/{edit}/{shard}.json",
                "<results>/parse/photo/{shard}.json",
                "<results>/parse/{edit}/{shard}.json",
                "<results>/ripple/{edit}/{shard}.json",
                "<results>/inpaint/{edit}/{shard}.json",
            ],
        ),
    output:
        "<results>/compose/{edit}/{shard}.json",
    log:
        "<results>/log/compose/{edit}/{shard}.log",
    priority: precedence("compose")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("compose"),
        made_by=made_by("compose"),
    shell:
        "unripple stage compose --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
