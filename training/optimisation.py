"""The optimiser of a training run, with separate learning rates for some of its weights."""

from dataclasses import replace

import keras

from keras_3dmmstn.training.config import TrainingConfig


def build_optimiser(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """Builds the optimiser of a config.

    The last layer of the localiser learns `head_kernel_rate` (kernel) and `head_bias_rate` (bias)
    times as fast as the rest; its bias has no weight decay. The face model, if it learns, has
    `face_model_rate` and no weight decay. Without separate rates, there is one optimiser for
    everything.

    Args:
        config: the numbers.
        steps: steps of the whole run, over which the schedule stretches.

    Source:
        Bas et al. 2017, sec. 4: the last layer at four times the learning rate of the rest.
    """
    rest = _optimiser(config, steps)
    others: dict[str, keras.optimizers.Optimizer] = {}
    if not config.head_kernel_rate == config.head_bias_rate == 1:
        others |= {
            ".*head/kernel": _optimiser(config, steps, rate=config.head_kernel_rate),
            ".*head/bias": _optimiser(config, steps, rate=config.head_bias_rate, weight_decay=0.0),
        }
    if config.learns_face_model:
        at_its_rate = replace(config, learning_rate=config.face_model_rate)
        others[".*morphable_model/.*"] = _optimiser(at_its_rate, steps, weight_decay=0.0)
    if not others:
        return rest
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(rest, others))


def learning_rate(
    config: TrainingConfig, steps: int, rate: float = 1.0
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Returns the schedule: a number, or one that rises linearly and may fall as a cosine.

    Args:
        config: the numbers.
        steps: steps of the whole run.
        rate: a factor for all learning rates.
    """
    highest = config.learning_rate * rate
    warm_up = int(config.warm_up * steps)
    if config.schedule == "constant" and not warm_up:
        return highest
    # A cosine whose end equals its start is constant.
    return keras.optimizers.schedules.CosineDecay(
        highest * 0.01 if warm_up else highest,
        decay_steps=max(steps - warm_up, 1),
        alpha=1.0 if config.schedule == "constant" else 0.0,
        warmup_target=highest if warm_up else None,
        warmup_steps=warm_up,
    )


def _optimiser(config, steps, rate=1.0, weight_decay=None):
    """Builds one optimiser, whose learning rate is `rate` times that of the config."""
    common = {
        "learning_rate": learning_rate(config, steps, rate),
        "weight_decay": config.weight_decay if weight_decay is None else weight_decay,
        "use_ema": config.ema_momentum > 0,
        "ema_momentum": config.ema_momentum,
    }
    if config.optimiser == "adamw":
        return keras.optimizers.AdamW(**common)
    return keras.optimizers.SGD(momentum=config.momentum, **common)
