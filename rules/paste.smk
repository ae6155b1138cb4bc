# Put the result back into the full photo.


rule paste:
    input:
        by_recipe(
            ripple=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/compose/{edit}/{shard}.json",
            ],
            ceteris_paribus=[
                "<results>/align/{shard}.json",
                "<results>/edit/{edit}/{shard}.json",
                "<results>/compose/{edit}/{shard}.json",
            ],
            external=[
                "<results>/align/{shard}.json",
                "<results>/register/{edit}/{shard}.json",
                "<results>/compose/{edit}/{shard}.json",
            ],
        ),
    output:
        "<results>/paste/{edit}/{shard}.json",
    log:
        "<results>/log/paste/{edit}/{shard}.log",
    priority: precedence("paste")
    conda:
        ENVIRONMENT
    params:
        results=results_root,
        job=job("paste"),
        made_by=made_by("paste"),
    shell:
        "unripple stage paste --shard {wildcards.shard} --edit {wildcards.edit} --results {params.results:q} --job {params.job:q} --log {log:q}"
