# Train every embedded model from nothing: snakemake train. Resumes where it was stopped, killed or
# not; the same commands run without Snakemake (see training/README.md). The weights in data/models
# are written by these rules but are not their declared outputs: editing photos must never set off a
# training.

import os

# Share of every budget of minutes and of the shards: UNRIPPLE_TRAIN_SHARE=0.01 snakemake train tries
# the whole chain. A training that was finished goes on when its share grows; delete its `done`.
SHARE = float(os.environ.get("UNRIPPLE_TRAIN_SHARE", "1"))
SHARDS = max(4, round(90 * SHARE))

# The parser and the pose net learn from pictures that are randomised in part (--randomise, half by
# default). Depth, landmarks, attributes and the inpainter are shipped without: what it gives them on
# photographs stands in docs/measured.md. Beyond these minutes the shipped pose net went on from the
# one before it (--init), as the parser did.
# net -> (words after `python -m unripple.training`, minutes, what must be trained before)
TRAININGS = {
    "parser": ("parser", 115, []),
    "depth": ("depth --batch 8 --randomise 0", 80, []),
    "landmarks": ("landmarks --randomise 0", 10, []),
    "pose": ("pose --batch 32", 6, []),
    "attributes": ("attributes --randomise 0", 40, []),
    "identity": ("identity --batch 32", 10, []),
    "inpainter": ("inpainter --batch 8 --randomise 0", 60, ["parser"]),
    "generator64": ("generator --size 64 --batch 8 --export never", 25, []),
    "generator128": (
        "generator --size 128 --init runs/generator64 --batch 8 --export never",
        100,
        ["generator64"],
    ),
    "generator": (
        "generator --init runs/generator128 --freeze-mapping --batch 8 --lr 3e-3"
        " --adversarial 0.01",
        65,
        ["generator128"],
    ),
    "e4e_codes": (
        "e4e --phase codes --generator runs/generator128 --batch 8 --export never",
        45,
        ["generator128"],
    ),
    "e4e": (
        "e4e --init runs/e4e_codes --batch 8 --perceptual 0.5 --identity 0.2",
        30,
        ["generator", "e4e_codes", "parser", "identity"],
    ),
    "clip": ("clip --export never", 45, ["generator"]),
    "clip_synonyms": ("clip_synonyms --init runs/clip", 3, ["clip"]),
    "mapper": ("mapper", 20, ["generator", "clip_synonyms", "identity"]),
    "motion": ("flow --batch 8 --export never", 60, ["generator", "e4e", "pose"]),
    "hfgi": (
        "hfgi --batch 8 --init runs/hfgi_faithful --motion runs/motion --lr 1e-3"
        " --perceptual 0.3 --pairs 0.9",
        60,
        ["hfgi_faithful", "motion", "parser"],
    ),
    "sfe_codes": (
        "sfe --phase inverter --batch 8 --export never",
        30,
        ["generator", "e4e"],
    ),
    "sfe_inverter": (
        "sfe --phase inverter --name inverter --init runs/sfe_codes --plain 0 --batch 8 --lr 2e-3",
        30,
        ["sfe_codes"],
    ),
    "sfe_editor": (
        "sfe --phase editor --name sfe_editor --inverter runs/sfe_inverter --batch 8 --lr 2e-3",
        40,
        ["sfe_inverter"],
    ),
    "hfgi_faithful": (
        "hfgi --pairs 0 --name hfgi-faithful --batch 8",
        40,
        ["generator", "e4e"],
    ),
    "hyperstyle": (
        "hyperstyle --trunk data/models/parser.safetensors --batch 4 --l2 2",
        60,
        ["generator", "e4e", "parser", "identity"],
    ),
    "domain": ("domain", 15, ["generator"]),
}

FEW = "" if SHARE >= 1 else " --people 16 --steps 2"

# What is found in minutes, without shards and without a loop to resume.
FOUND = {
    "mean_head": ("mean_head", []),
    "directions": ("directions", ["generator", "pose"]),
    "shapes": ("shapes", ["mean_head"]),
    "colours": ("colours", []),
    "details": ("details", ["mean_head"]),
    "relevance": ("relevance", ["generator", "clip_synonyms"]),
    "translations": (f"translations{FEW}", ["generator"]),
}


wildcard_constraints:
    net="|".join(TRAININGS),
    found="|".join(FOUND),


rule train_data:
    output:
        touch("runs/data/128/done"),
    log:
        "runs/log/data.log",
    conda:
        ENVIRONMENT
    threads: 2
    params:
        shards=SHARDS,
    shell:
        "python -m unripple.training data --out runs/data/128 --shards {params.shards}"
        " --workers {threads} 2>> {log:q}"


rule train_net:
    input:
        "runs/data/128/done",
        lambda wildcards: trained(TRAININGS[wildcards.net][2]),
    output:
        touch("runs/{net}/done"),
    log:
        "runs/log/{net}.log",
    conda:
        ENVIRONMENT
    params:
        words=lambda wildcards: TRAININGS[wildcards.net][0],
        minutes=lambda wildcards: f"{TRAININGS[wildcards.net][1] * SHARE:g}",
    shell:
        "python -m unripple.training {params.words} --minutes {params.minutes}"
        " --data runs/data/128 --out runs/{wildcards.net} 2>> {log:q}"


rule train_found:
    input:
        lambda wildcards: trained(FOUND[wildcards.found][1]),
    output:
        touch("runs/{found}/done"),
    log:
        "runs/log/{found}.log",
    conda:
        ENVIRONMENT
    params:
        words=lambda wildcards: FOUND[wildcards.found][0],
    shell:
        "python -m unripple.training {params.words} 2>> {log:q}"


rule train:
    input:
        lambda _: trained([*TRAININGS, *FOUND]),
