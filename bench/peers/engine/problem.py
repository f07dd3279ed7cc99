"""What every contestant computes, as numbers that all of them make by themselves: bench/engine/problem.ts once more.

A stream of numbers of unit variance: √3·(2u − 1), u the finaliser of MurmurHash3 over the index, divided by 2³². Each check
value of each contestant is held against ours, so that the two texts cannot drift apart.
"""

import numpy as np

BATCH = 128
# name: latent, hidden
FIELDS = {"4x20": (4, 20), "16x64": (16, 64), "32x128": (32, 128)}
STEP = 1 / 20
FORWARD_STEPS = 100
GRADIENT_STEPS = 20

CHANNELS, LATENT, ENCODER, DYNAMICS, DECODER = 2, 4, 25, 20, 20
TIMES = 100
SPACING = 1 / 32
# Of the spirals with adaptive steps.
TOLERANCE = 1e-3
LOG_VARIANCE_BOUND, LOG_SCALE_BOUND = 10.0, 6.0


def stream(number, count, start=0):
    """[count] float32, elements start … of the stream."""
    index = np.arange(start, start + count, dtype=np.uint32)
    bits = index * np.uint32(0x9E3779B1) + np.uint32((number * 0x85EBCA77 + 1) & 0xFFFFFFFF)
    bits = (bits ^ (bits >> 16)) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * np.uint32(0xC2B2AE35)
    bits ^= bits >> 16
    return (np.sqrt(3.0) * (2.0 * (bits / 2.0**32) - 1.0)).astype(np.float32)


def field(name, gain=1.0):
    """W1 [L, H], b1 [H], W2 [H, L], b2 [L], z0 [B, L] of f(z) = tanh(z·W1 + b1)·W2 + b2; the gain is of the matrices."""
    latent, hidden = FIELDS[name]
    return (
        (gain / latent**0.5 * stream(1, latent * hidden)).reshape(latent, hidden).astype(np.float32),
        0.1 * stream(2, hidden),
        (gain / hidden**0.5 * stream(3, hidden * latent)).reshape(hidden, latent).astype(np.float32),
        0.1 * stream(4, latent),
        stream(5, BATCH * latent).reshape(BATCH, latent),
    )


def spirals_shapes():
    """Blocks of the flat vector in the order of model/latent/layout.ts."""
    inputs, gates = 2 * CHANNELS + 1, 3 * ENCODER
    return [
        ("input_w", (inputs, gates)),
        ("recurrent_w", (ENCODER, gates)),
        ("input_b", (gates,)),
        ("recurrent_b", (gates,)),
        ("posterior_w", (ENCODER, 2 * LATENT)),
        ("posterior_b", (2 * LATENT,)),
        ("dynamics0_w", (LATENT, DYNAMICS)),
        ("dynamics0_b", (DYNAMICS,)),
        ("dynamics1_w", (DYNAMICS, DYNAMICS)),
        ("dynamics1_b", (DYNAMICS,)),
        ("dynamics2_w", (DYNAMICS, LATENT)),
        ("dynamics2_b", (LATENT,)),
        ("hidden_w", (LATENT, DECODER)),
        ("hidden_b", (DECODER,)),
        ("output_w", (DECODER, 2 * CHANNELS)),
        ("output_b", (2 * CHANNELS,)),
    ]


def spirals_parameters():
    """Arrays by name: weights of variance 1 / fan-in, biases a tenth of unit variance."""
    parameters, offset = {}, 0
    for name, shape in spirals_shapes():
        size = int(np.prod(shape))
        scale = 0.1 if len(shape) == 1 else shape[0] ** -0.5
        parameters[name] = (scale * stream(6, size, offset)).astype(np.float32).reshape(shape)
        offset += size
    return parameters


def observed():
    """[T, B, D] the values at times 0, SPACING, …; everything is seen."""
    return stream(7, BATCH * TIMES * CHANNELS).reshape(BATCH, TIMES, CHANNELS).transpose(1, 0, 2).copy()


def encoder_inputs():
    """[T, B, 2 D + 1] [x, mask, gap to the observation read before], in the order of reading: the last one first."""
    values = observed()[::-1]
    gap = np.full((TIMES, BATCH, 1), SPACING, np.float32)
    gap[0] = 0
    return np.concatenate([values, np.ones_like(values), gap], axis=2)


def noise(count):
    """[count, L]"""
    return stream(8, count * LATENT).reshape(count, LATENT)
