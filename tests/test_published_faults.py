"""Every fault of StyleFeatureEditor, HyperStyle and PTI that we know has a test that ours is right.

The list is the inventory: what the source does, and where the test stands. Faults of trainings name
the file of the training's tests.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from unripple.io.config import knob
from unripple.pipeline.graph import STEPS
from unripple.stages.edit import EditSettings
from unripple.stages.inverters import INVERTERS
from unripple.stages.projectors import PROJECTORS


class Fault(NamedTuple):
    """What a published project does, and our tests about it as FILE or FILE::TEST."""

    words: str
    tests: tuple[str, ...]


HERE = "tests/test_published_faults.py::"
FRAMING = "tests/ops/test_published_framing.py::"
COMPARE = "tests/runtime/test_compare.py::"
TUNED = "tests/runtime/test_tuned_inverters.py::"
SFE_TRAINING = "tests/training/test_sfe_training.py"
HYPERSTYLE_TRAINING = "tests/training/test_hyperstyle_training.py"

SFE = (
    Fault(
        "the script that aligns a folder writes nothing and ends well",
        (
            "tests/workflow/test_dag.py",
            "tests/stages/test_align.py::test_a_refusal_names_the_setting_that_would_change_it",
        ),
    ),
    Fault(
        "paste-back: pad offsets mixed up, a crash where it was shrunk, black pixels as holes, "
        "half a pixel off, surroundings solved anew",
        (
            FRAMING + "test_a_face_at_any_border_comes_back_to_its_place",
            FRAMING + "test_a_photo_larger_than_its_crop_keeps_its_size",
            FRAMING + "test_black_pixels_are_no_holes",
            FRAMING + "test_the_way_back_meets_the_way_there",
            "tests/stages/test_paste.py"
            "::test_every_byte_outside_the_touched_pixels_is_the_photographs",
        ),
    ),
    Fault(
        "large faces raise: Image.ANTIALIAS is gone",
        (FRAMING + "test_large_faces_are_averaged_and_not_sampled",),
    ),
    Fault(
        "phase 2 lets frozen networks drift; `encoder.` means two networks",
        (
            "tests/models/test_sfe.py::test_training_does_not_move_what_is_frozen",
            "tests/zoo/test_published_inverters.py::test_every_network_of_a_file_comes_out_ready",
        ),
    ),
    Fault(
        "MS-SSIM pairs by sorted position: an extra file shifts all",
        (COMPARE + "test_an_extra_picture_shifts_nothing",),
    ),
    Fault("FID's .json holds a sentence", (COMPARE + "test_the_figures_are_written_whole",)),
    Fault(
        "63 of 256 levels drop by one in every saved picture",
        ("tests/ops/test_tensors.py::test_every_byte_survives_the_round_trip",),
    ),
    Fault(
        "originals must be .jpg; others are skipped and shift the names",
        ("tests/io/test_pairs.py::test_pairs_have_one_name_whatever_their_suffix",),
    ),
    Fault(
        "--batch_size and --workers of the metrics are ignored",
        (HERE + "test_metrics_have_no_switch_that_does_nothing",),
    ),
    Fault(
        "the threshold of background is .095 here and .995 there",
        (HERE + "test_the_threshold_of_background_is_one_number",),
    ),
    Fault("random edits of phase 2 differ from run to run", (SFE_TRAINING,)),
    Fault(
        "a name with a blank at its end raises when it is reached",
        (
            HERE + "test_no_direction_has_blanks_at_its_ends",
            "tests/zoo/test_directions.py::test_an_unknown_direction_names_the_nearest",
        ),
    ),
    Fault(
        "without a GPU it says that it goes on, and dies",
        ("tests/zoo/test_networks.py",),
    ),
    Fault(
        "cars raise at the first edit: 18 codes and 1024 px are written into the code",
        (
            "tests/zoo/test_published_inverters.py::test_generators_of_512_px_have_16_codes",
            "tests/models/test_hyperstyle.py::test_cars_are_wider_than_high",
        ),
    ),
    Fault(
        "results go by the file's last name: folders overwrite each other",
        ("tests/io/test_sheet.py::test_ids_are_unique_and_stable",),
    ),
    Fault(
        "29 MB of every photo stay in memory until the end",
        ("tests/runtime/test_flat_memory.py::test_a_thousand_photos_need_the_memory_of_a_hundred",),
    ),
    Fault(
        "the adversarial start raises at another batch size",
        (SFE_TRAINING,),
    ),
    Fault(
        "files are unpickled whatever they hold",
        ("tests/zoo/test_containers_malicious.py::test_a_malicious_pickle_is_refused_and_not_run",),
    ),
)
HYPERSTYLE = (
    Fault(
        "defaults that do not exist: a data set, an encoder, a path",
        (HERE + "test_every_default_and_every_choice_is_there",),
    ),
    Fault(
        "type=bool: any word is true",
        ("tests/io/test_config.py::test_wrong_overrides_are_named",),
    ),
    Fault("a resumed training starts at step 0 without its optimiser", (HYPERSTYLE_TRAINING,)),
    Fault(
        "MS-SSIM's range depends on the result picture",
        ("tests/metrics/test_structure.py::test_a_dark_result_has_the_peak_of_every_other",),
    ),
    Fault(
        "the metrics of all steps go into one file: the last survive",
        (
            "tests/cli/test_compare.py::test_steps_of_hyperstyle_are_compared_one_by_one",
            "tests/cli/test_compare.py::test_figures_that_are_there_are_not_lost",
        ),
    ),
    Fault(
        "the last incomplete batch is dropped",
        (
            COMPARE + "test_every_metric_gives_a_value_for_every_pair",
            "tests/benchmarks/test_inverters.py"
            "::test_every_photo_counts_for_every_method_and_a_second_run_measures_nothing",
        ),
    ),
    Fault(
        "seconds are per batch of any size",
        (
            "tests/benchmarks/test_inverters.py"
            "::test_every_photo_counts_for_every_method_and_a_second_run_measures_nothing",
        ),
    ),
    Fault(
        "without identity and MoCo it raises; MoCo takes no single picture",
        (HYPERSTYLE_TRAINING,),
    ),
    Fault(
        "offsets of weights cannot be saved",
        (
            TUNED + "test_hyperstyle_keeps_codes_and_draws_edits_from_them",
            "tests/models/test_hyperstyle.py::test_what_is_kept_gives_the_offsets_that_add_up",
            "tests/models/test_hyperstyle.py::test_an_artifact_is_small",
        ),
    ),
    Fault(
        "range(-F, F) leaves F out; a single factor is taken for a batch",
        (
            "tests/cli/test_strip_and_sweep.py::test_a_sweep_has_the_bytes_of_the_edits",
            TUNED + "test_hyperstyle_keeps_codes_and_draws_edits_from_them",
        ),
    ),
    Fault(
        "README's command for identity calls another script",
        ("tests/test_pages.py",),
    ),
    Fault("half of the six-channel stem begins as noise", (HYPERSTYLE_TRAINING,)),
    Fault(
        "of several faces it takes the last",
        (
            "tests/models/test_mtcnn.py::test_the_largest_face_comes_first",
            "tests/stages/test_align.py::test_policies_on_several_faces",
        ),
    ),
    Fault(
        "cars are resized with height and width exchanged",
        ("tests/models/test_hyperstyle.py::test_cars_are_wider_than_high",),
    ),
    Fault("one validation batch more than asked", (HYPERSTYLE_TRAINING,)),
)
PTI = (
    Fault(
        "a whole pickled generator is kept of every photo",
        ("tests/models/test_tuning.py::test_what_is_kept_draws_the_picture_again",),
    ),
    Fault(
        "it stops by the loss before the step, and keeps the weights after it",
        (TUNED + "test_it_stops_where_the_distance_is_small_enough",),
    ),
    Fault(
        "the regulariser's reach is computed and thrown away",
        (
            "tests/models/test_tuning.py"
            "::test_the_regulariser_looks_at_its_reach_and_holds_what_lies_there",
        ),
    ),
)


@pytest.mark.parametrize("fault", (*SFE, *HYPERSTYLE, *PTI), ids=lambda fault: fault.words[:40])
def test_a_fault_has_a_test(repo: Path, fault: Fault) -> None:
    for one in fault.tests:
        file, _, name = one.partition("::")
        tree = ast.parse((repo / file).read_text())
        tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not name or name in tests, one
        assert any(test.startswith("test_") for test in tests), file


def test_the_threshold_of_background_is_one_number(repo: Path) -> None:
    config = yaml.safe_load((repo / "config.yaml").read_text())
    said = {config["edit"]["keep_threshold"], knob("edit.keep_threshold")["default"]}
    assert said | {EditSettings().keep_threshold} == {0.995}


def test_no_direction_has_blanks_at_its_ends(repo: Path) -> None:
    table = yaml.safe_load((repo / "data" / "directions" / "sfe.yaml").read_text())
    names = list(_names(table))
    assert "blond hair" in names and all(name == name.strip() for name in names)


def _names(table: object) -> list[str]:
    if isinstance(table, dict):
        return [word for key, below in table.items() for word in (str(key), *_names(below))]
    return [word for below in table for word in _names(below)] if isinstance(table, list) else []


def test_every_default_and_every_choice_is_there() -> None:
    """A default of the config names a method that can be loaded, and so does every choice."""
    for registry, name in ((INVERTERS, "invert.method"), (PROJECTORS, "project.method")):
        choices = knob(name)
        assert choices["default"] in choices["enum"]
        for choice in choices["enum"]:
            assert registry[choice].name == choice
    assert all(step.stage for step in STEPS.values())


def test_metrics_have_no_switch_that_does_nothing() -> None:
    """There is no batch to choose: a picture's figure does not depend on its neighbours."""
    from unripple.cli.main import build_parser

    commands = next(action for action in build_parser()._actions if action.choices).choices
    assert commands is not None
    switches = {
        option for action in commands["compare"]._actions for option in action.option_strings
    }
    assert switches and not switches & {"--batch_size", "--batch-size", "--workers"}
