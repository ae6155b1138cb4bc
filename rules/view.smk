# One picture of one stage of one photo, by name: snakemake results/view/compose/look_left/anna.png
# (`photo` in place of the edit for the photo itself).


rule view:
    input:
        viewed,
    output:
        "<results>/view/{stage}/{of}/{photo}.png",
    log:
        "<results>/log/view/{stage}/{of}/{photo}.log",
    conda:
        ENVIRONMENT
    params:
        results=results_root,
    shell:
        "unripple view {wildcards.stage} {wildcards.photo} {wildcards.of} --results {params.results:q} --out {output:q} --log {log:q}"
