"""The latent ODE of the spirals in JAX: training step and query. Path by RK4 written by hand, or by diffrax's Tsit5 with its interpolant."""

from functools import partial

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax_field import LAYOUTS, rk4_step
from problem import (
    BATCH, CHANNELS, ENCODER, LATENT, LOG_SCALE_BOUND, LOG_VARIANCE_BOUND, SPACING, TIMES, TOLERANCE,
    encoder_inputs, noise, observed, spirals_parameters,
)  # fmt: skip

RATE, BETA1, BETA2, EPSILON = 1e-2, 0.9, 0.999, 1e-8


class Layout:
    """Features are the last axis, or the last but one with samples last."""

    def __init__(self, name):
        self.lane = name == "lane-major"
        self.axis = -2 if self.lane else -1

    def linear(self, p, name, x):
        w, b = p[f"{name}_w"], p[f"{name}_b"]
        if self.lane and x.ndim == 3:  # one product over all times, which XLA does not see by itself
            flat = jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1)
            return jnp.moveaxis((w @ flat + b).reshape(w.shape[0], x.shape[0], x.shape[2]), 1, 0)
        return w @ x + b if self.lane else x @ w + b

    def split(self, x, parts):
        return jnp.split(x, parts, axis=self.axis)

    def place(self, x):
        return jnp.asarray(np.swapaxes(x, -1, -2).copy() if self.lane else x)

    def parameters(self):
        flat = spirals_parameters()
        if not self.lane:
            return {name: jnp.asarray(value) for name, value in flat.items()}
        return {name: jnp.asarray(v.T.copy() if v.ndim == 2 else v[:, None]) for name, v in flat.items()}


def soft_clamp(x, bound):
    return bound * jnp.tanh(x / bound)


def encode(layout, p, inputs, unroll):
    """@param inputs: [T, B, I] or [T, I, B]"""
    projected = layout.linear(p, "input", inputs)

    def gru(h, x):
        xr, xu, xn = layout.split(x, 3)
        hr, hu, hn = layout.split(layout.linear(p, "recurrent", h), 3)
        u = jax.nn.sigmoid(xu + hu)
        n = jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * hn)
        return (1 - u) * n + u * h, None

    batch = inputs.shape[-1] if layout.lane else inputs.shape[-2]
    start = jnp.zeros((ENCODER, batch) if layout.lane else (batch, ENCODER))
    last, _ = jax.lax.scan(gru, start, projected, unroll=unroll)
    mean, raw = layout.split(layout.linear(p, "posterior", last), 2)
    return mean, soft_clamp(raw, LOG_VARIANCE_BOUND)


def dynamics(layout, p, z):
    x = jnp.tanh(layout.linear(p, "dynamics0", z))
    return layout.linear(p, "dynamics2", jnp.tanh(layout.linear(p, "dynamics1", x)))


def rk4_path(layout, p, z0, unroll, recompute=False):
    """@param recompute: keep the state of each step only, and its stages for nobody; fewer bytes are less time here"""

    def step(z, _):
        z = rk4_step(partial(dynamics, layout, p), SPACING, z)
        return z, z

    kept = jax.checkpoint(step, prevent_cse=False) if recompute else step
    _, later = jax.lax.scan(kept, z0, None, length=TIMES - 1, unroll=unroll)
    return jnp.concatenate([z0[None], later])


def tsit5_path(layout, p, z0, max_steps):
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, z, p: dynamics(layout, p, z)),
        diffrax.Tsit5(),
        t0=0.0,
        t1=(TIMES - 1) * SPACING,
        dt0=None,
        y0=z0,
        args=p,
        saveat=diffrax.SaveAt(ts=jnp.arange(TIMES) * SPACING),
        stepsize_controller=diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE),
        max_steps=max_steps,
        throw=False,
    )
    return solution.ys


def tsit5_each(p, z0, max_steps):
    layout = Layout("batch-major")
    return jax.vmap(lambda z: tsit5_path(layout, p, z, max_steps), out_axes=1)(z0)


def decode(layout, p, path):
    mean, raw = layout.split(layout.linear(p, "output", jnp.tanh(layout.linear(p, "hidden", path))), 2)
    return mean, jnp.exp(soft_clamp(raw, LOG_SCALE_BOUND))


def loss(layout, path_of, unroll, p, inputs, values, draws):
    mean, log_variance = encode(layout, p, inputs, unroll)
    z0 = mean + jnp.exp(log_variance / 2) * draws
    x, scale = decode(layout, p, path_of(p, z0))
    negative = 0.5 * ((values - x) / scale) ** 2 + jnp.log(scale) + 0.5 * np.log(2 * np.pi)
    kl = 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance)
    return (negative.sum() + kl.sum()) / (BATCH * TIMES * CHANNELS)


def adam(p, m, v, step, gradient):
    tree = jax.tree_util.tree_map
    m = tree(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, gradient)
    v = tree(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, gradient)
    m_bias, v_bias = 1 - BETA1**step, 1 - BETA2**step
    p = tree(lambda p, m, v: p - RATE * (m / m_bias) / (jnp.sqrt(v / v_bias) + EPSILON), p, m, v)
    return p, m, v


def training_step(layout, path_of, unroll):
    def make():
        p = layout.parameters()
        data = layout.place(encoder_inputs()), layout.place(observed()), layout.place(noise(BATCH))
        zeros = jax.tree_util.tree_map(jnp.zeros_like, p)

        def step(p, m, v, count, *data):
            value, gradient = jax.value_and_grad(partial(loss, layout, path_of, unroll))(p, *data)
            squares = sum((g * g).sum() for g in jax.tree_util.tree_leaves(gradient))
            return adam(p, m, v, count, gradient), value, jnp.sqrt(squares)

        jitted = jax.jit(step)

        def check():
            _, value, norm = jitted(p, zeros, zeros, 1.0, *data)
            return {"loss": value, "gradient": norm}

        return (lambda: jax.block_until_ready(jitted(p, zeros, zeros, 1.0, *data))), check

    return make


def query(layout, samples, unroll):
    def make():
        p = layout.parameters()
        inputs, draws = layout.place(encoder_inputs()[:, :1]), layout.place(noise(samples))

        def answer(p, inputs, draws):
            mean, log_variance = encode(layout, p, inputs, unroll)
            return decode(layout, p, rk4_path(layout, p, mean + jnp.exp(log_variance / 2) * draws, unroll))

        jitted = jax.jit(answer)

        def check():
            mean, scale = jitted(p, inputs, draws)
            return {"mean": jnp.abs(mean).sum(), "scale": scale.sum()}

        return (lambda: jax.block_until_ready(jitted(p, inputs, draws))), check

    return make


def spirals_rows():
    rows = {"spirals-rk4": {}, "spirals-tsit5": {}, "query-1": {}, "query-64": {}}
    for name in LAYOUTS:
        layout = Layout(name)
        for unroll in (1, 4):
            for samples in (1, 64):
                rows[f"query-{samples}"][f"{name}, unroll {unroll}"] = query(layout, samples, unroll)
        # Unrolled, it takes longer.
        for recompute in (False, True):
            path = partial(rk4_path, layout, unroll=1, recompute=recompute)
            rows["spirals-rk4"][name + ", steps recomputed" * recompute] = training_step(layout, path, 1)
        path = partial(tsit5_path, layout, max_steps=64)
        rows["spirals-tsit5"][f"diffrax joint, {name}, at most 64 steps"] = training_step(layout, path, 1)
    each = partial(tsit5_each, max_steps=64)
    rows["spirals-tsit5"]["diffrax per sample, at most 64 steps"] = training_step(Layout("batch-major"), each, 1)
    return rows
