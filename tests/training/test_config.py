"""Training configs: checked values, recipes, TOML files."""

import tomllib
from dataclasses import asdict, fields, replace

import pytest

from keras_3dmmstn.training.config import TrainingConfig, describe_settings, with_settings
from keras_3dmmstn.training.config_file import (
    config_differences,
    load_config,
    parse_setting,
    save_config,
)
from keras_3dmmstn.training.recipes import RECIPES, recipe


def test_the_default_is_the_paper_s_recipe():
    assert recipe("paper") == TrainingConfig()
    config = TrainingConfig()
    assert (config.backbone, config.image_size, config.batch_size) == ("vgg_face", 224, 32)
    # The code's weights relative to that of the landmark loss, 0.8998.
    assert config.shape_prior == pytest.approx(0.1 / 0.8998, rel=0.01)
    # 1e-4 per value and pair, two images a pair, 0.858 of 112 x 112 pixels visible on both sides.
    values = 3 * 0.858 * 112 * 112
    assert config.symmetry == pytest.approx(1e-4 * values / (2 * 0.8998), rel=0.01)
    assert config.mirror_pairs == config.symmetry


def test_every_setting_says_what_it_means():
    meanings = describe_settings()
    assert list(meanings) == [entry.name for entry in fields(TrainingConfig)]
    assert all(len(meaning) > 10 for meaning in meanings.values())


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("epochs", "ten", "`epochs` to be of type int, received 'ten'"),
        ("epochs", 2.0, "`epochs` to be of type int, received 2.0"),
        ("epochs", True, "`epochs` to be of type int, received True"),
        ("momentum", False, "`momentum` to be of type float, received False"),
        ("augmentation", 1, "`augmentation` to be of type bool, received 1"),
        ("backbone", 3, "`backbone` to be of type str, received 3"),
    ],
)
def test_another_type_is_refused(setting, value, expected):
    with pytest.raises(TypeError, match=expected):
        TrainingConfig(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("epochs", 0, r"`epochs` to be within 1 to 1e\+09, received 0"),
        ("epochs", 10**30, r"`epochs` to be within 1 to 1e\+09, received 10"),
        ("batch_size", 2**63, r"`batch_size` to be within 1 to 1e\+09"),
        ("checkpoint_steps", 10**30, r"`checkpoint_steps` to be within 0 to 1e\+09"),
        ("learning_rate", 1e-300, "`learning_rate` to be 0 or at least 1.2e-38, .* 1e-300"),
        (
            "focal_length",
            1e300,
            r"`focal_length` to be 0 or within 0.01 to 1e\+12, received 1e.300",
        ),
        ("focal_length", 1e-30, "`focal_length` to be 0 or within .* received 1e-30"),
        ("focal_length", -2.0, "`focal_length` to be at least 0, received -2.0"),
        ("jaw_confidence", 1.5, "`jaw_confidence` to be within 0 to 1, received 1.5"),
        ("learning_rate", -1.0, "`learning_rate` to be within 0 to 10000, received -1.0"),
        ("learning_rate", float("nan"), "`learning_rate` to be within 0 to 10000, received nan"),
        ("weight_decay", float("inf"), "`weight_decay` to be within 0 to 10000, received inf"),
        (
            "learning_rate",
            10**400,
            "`learning_rate` to be a number within .*an integer of 1329 bits",
        ),
        ("face_model_rate", 1e30, "`face_model_rate` to be within 0 to 1000, received 1e.30"),
        ("face_model_smoothness", 1e300, "`face_model_smoothness` to be within 0 to 1000"),
        ("light_strength", 1e30, "`light_strength` to be within 0 to 10"),
        ("scale_deviation", 1e30, "`scale_deviation` to be within 0 to 2"),
        ("image_size", 100_000, "`image_size` to be within 32 to 4096"),
        ("optimiser", "adam", "`optimiser` to be one of sgd, adamw, received 'adam'"),
    ],
)
def test_a_value_out_of_range_is_refused(setting, value, expected):
    with pytest.raises(ValueError, match=expected):
        TrainingConfig(**{setting: value})


def test_a_whole_number_is_a_float_too():
    assert type(TrainingConfig(learning_rate=1).learning_rate) is float


def test_an_unknown_setting_or_recipe_is_named():
    with pytest.raises(ValueError, match=r"settings among .*epochs.*, received epoch"):
        with_settings(TrainingConfig(), {"epoch": 3})
    with pytest.raises(ValueError, match="recipe among paper, compact, base, received 'fast'"):
        recipe("fast")


@pytest.mark.parametrize("name", RECIPES)
def test_a_saved_config_is_read_back_as_it_was(name, tmp_path):
    config = replace(recipe(name), pretrained='a "quoted" \\ path é', learning_rate=1.25e-7)
    save_config(config, tmp_path / "config.toml")
    assert load_config(tmp_path / "config.toml") == config
    text = (tmp_path / "config.toml").read_text()
    assert tomllib.loads(text) == asdict(config)
    # Each setting comes with its meaning.
    assert text.count("\n# ") + 1 == len(fields(TrainingConfig))


def test_a_file_builds_on_a_recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('recipe = "compact"\nepochs = 3\nmomentum = 0\n')
    assert load_config(path) == replace(recipe("compact"), epochs=3, momentum=0.0)
    path.write_text("epochs = 3\n")
    assert load_config(path) == replace(recipe("paper"), epochs=3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs = ", "mine.toml: expected a TOML file"),
        ("epochs = 'many'", "mine.toml: TrainingConfig expects `epochs` to be of type int"),
        ("epochs = 0", "mine.toml: TrainingConfig expects `epochs` to be within 1 to"),
        ("focal_length = 1e300", "mine.toml: .*`focal_length`.* received 1e.300"),
        ("eposch = 3", "mine.toml: Expected settings among .* received eposch"),
        ("recipe = 'none'", "mine.toml: Expected a recipe among"),
        ("recipe = ['paper']", "mine.toml: "),
        ("[epochs]\na = 1", "mine.toml: TrainingConfig expects `epochs` to be of type int"),
    ],
)
def test_a_faulty_file_is_named(text, expected, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=expected):
        load_config(path)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"mine\.toml: expected a TOML file"):
        load_config(tmp_path / "mine.toml")
    with pytest.raises(FileNotFoundError):
        load_config(tmp_path / "missing.toml")


def test_settings_of_the_command_line():
    assert parse_setting("epochs=3") == ("epochs", 3)
    assert parse_setting("learning_rate = 1e-3") == ("learning_rate", 0.001)
    assert parse_setting("augmentation=true") == ("augmentation", True)
    assert parse_setting("backbone=compact") == ("backbone", "compact")
    assert parse_setting("pretrained=/a b/c=d.mat") == ("pretrained", "/a b/c=d.mat")
    assert parse_setting("pretrained=") == ("pretrained", "")
    for text in ("epochs", "=3", ""):
        with pytest.raises(ValueError, match="name=value"):
            parse_setting(text)


def test_former_names_of_settings_are_still_read(tmp_path):
    path = tmp_path / "old.toml"
    path.write_text(
        'localiser = "compact"\nlandmarks = 2.0\nrotation = 1.0\nscale = 0.2\nshift = 0.3\n'
        "light = 0.4\nblur = 0.5\npatches = 0.6\n"
    )
    with pytest.warns(FutureWarning, match=r"old\.toml has former names of settings") as warned:
        config = load_config(path)
    (warning,) = warned
    assert "localiser is backbone, landmarks is landmark_weight" in str(warning.message)
    assert "patches is patch_share." in str(warning.message)
    assert config == TrainingConfig(
        backbone="compact",
        landmark_weight=2.0,
        rotation_deviation=1.0,
        scale_deviation=0.2,
        shift_deviation=0.3,
        light_strength=0.4,
        blur_share=0.5,
        patch_share=0.6,
    )
    with pytest.warns(FutureWarning, match="setting blur is now called blur_share"):
        assert with_settings(TrainingConfig(), {"blur": 0.1}).blur_share == 0.1


def test_a_setting_by_both_of_its_names_is_refused():
    with pytest.raises(ValueError, match="setting blur_share once, received it as blur too"):
        with_settings(TrainingConfig(), {"blur_share": 0.1, "blur": 0.1})


def test_differences_are_named():
    before = TrainingConfig()
    assert config_differences(before, before) == []
    after = replace(before, seed=3, optimiser="adamw")
    assert config_differences(before, after) == ["optimiser: sgd → adamw", "seed: 0 → 3"]


@pytest.mark.parametrize("name", ["compact", "base"])
def test_a_recipe_from_scratch_names_no_file_of_weights(name):
    assert recipe(name).pretrained == ""
    # What a run of before recorded there means nothing.
    before = replace(recipe(name), pretrained="vgg-face.mat")
    assert config_differences(before, recipe(name)) == []
    paper = recipe("paper")
    assert config_differences(paper, replace(paper, pretrained="other.mat")) == [
        "pretrained: vgg-face.mat → other.mat"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochs = " + "9" * 5000, "expected a TOML file of settings: Exceeds the limit"),
        ("a" + ".a" * 20_000 + " = 1", "received a line with 20,000 dots"),
        ("#" * 100_001, "expected a file of at most 100,000 bytes"),
        ("a = " + "[" * 50_000, "expected a TOML file of settings"),
    ],
)
def test_a_file_that_would_take_much_memory_or_is_no_toml_is_named(text, reason, tmp_path):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ValueError, match=rf"config\.toml: .*{reason}"):
        load_config(tmp_path / "config.toml")


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 50_000])
def test_a_setting_that_toml_does_not_read_is_a_text(value):
    assert parse_setting(f"epochs={value}") == ("epochs", value)


def test_a_smooth_face_model_learns_from_landmarks_alone():
    with pytest.raises(ValueError, match="Set symmetry, mirror_pairs and identity_pairs to 0"):
        TrainingConfig(face_model_rate=0.01)
    TrainingConfig(face_model_rate=0.01, face_model_smoothness=0.0)
    TrainingConfig(face_model_rate=0.01, symmetry=0.0, mirror_pairs=0.0)
