# Train every embedded model from nothing: snakemake train. Resumes where it was stopped; the same
# commands run without Snakemake (see training/README.md). The weights in data/models are written by
# these rules but are not their declared outputs: editing photos must never set off a training.

# net -> (words after `python -m unripple.training`, what must be trained before)
TRAININGS = {
    "parser": ("parser --minutes 15", []),
    "depth": ("depth --minutes 15 --batch 8", []),
    "landmarks": ("landmarks --minutes 10", []),
    "pose": ("pose --minutes 6 --batch 32", []),
    "attributes": ("attributes --minutes 20", []),
    "identity": ("identity --minutes 10 --batch 32", []),
    "inpainter": ("inpainter --minutes 45", ["parser"]),
    "generator64": ("generator --size 64 --minutes 25 --batch 8 --export never", []),
    "generator": (
        "generator --size 128 --init runs/generator64 --freeze-mapping --minutes 45 --batch 8",
        ["generator64"],
    ),
    "e4e_codes": (
        "e4e --phase codes --generator runs/generator64 --minutes 20 --batch 8 --export never",
        ["generator64"],
    ),
    "e4e": (
        "e4e --init runs/e4e_codes --minutes 30 --batch 8 --perceptual 0.5 --identity 0.2",
        ["generator", "e4e_codes", "parser", "identity"],
    ),
    "hfgi": (
        "hfgi --minutes 40 --batch 8",
        ["generator", "e4e", "parser", "identity"],
    ),
}


wildcard_constraints:
    net="|".join(TRAININGS),


rule train_data:
    output:
        touch("runs/data/128/done"),
    log:
        "runs/log/data.log",
    conda:
        "../envs/unripple.yaml"
    threads: 2
    shell:
        "python -m unripple.training data --out runs/data/128 --shards 90 --workers {threads} 2> {log:q}"


rule train_net:
    input:
        "runs/data/128/done",
        lambda wildcards: [f"runs/{net}/done" for net in TRAININGS[wildcards.net][1]],
    output:
        touch("runs/{net}/done"),
    log:
        "runs/log/{net}.log",
    conda:
        "../envs/unripple.yaml"
    params:
        words=lambda wildcards: TRAININGS[wildcards.net][0],
    shell:
        "python -m unripple.training {params.words} --data runs/data/128 --out runs/{wildcards.net}"
        " 2> {log:q}"


rule train_directions:
    input:
        "runs/generator/done",
        "runs/pose/done",
    output:
        touch("runs/directions/done"),
    log:
        "runs/log/directions.log",
    conda:
        "../envs/unripple.yaml"
    shell:
        "python -m unripple.training directions 2> {log:q}"


rule train_translations:
    input:
        "runs/generator/done",
    output:
        touch("runs/translations/done"),
    log:
        "runs/log/translations.log",
    conda:
        "../envs/unripple.yaml"
    shell:
        "python -m unripple.training translations 2> {log:q}"


rule train:
    input:
        expand("runs/{net}/done", net=TRAININGS),
        "runs/directions/done",
        "runs/translations/done",
