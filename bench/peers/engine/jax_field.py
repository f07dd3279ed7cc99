"""The bare vector field in JAX: RK4 written by hand, and diffrax for adaptive steps.

batch-major: states [B, L] and z·W; lane-major: states [L, B] and Wᵀ·z, which XLA's CPU compiler likes better where L is small.
"""

from functools import partial

import diffrax
import jax
import jax.numpy as jnp
from problem import FIELDS, FORWARD_STEPS, GRADIENT_STEPS, STEP, field

LAYOUTS = ("batch-major", "lane-major")


def slope(layout, p, z):
    w1, b1, w2, b2 = p
    if layout == "lane-major":
        return w2 @ jnp.tanh(w1 @ z + b1) + b2
    return jnp.tanh(z @ w1 + b1) @ w2 + b2


def problem(layout, name, gain=1.0):
    w1, b1, w2, b2, z0 = (jnp.asarray(values) for values in field(name, gain))
    if layout == "lane-major":
        return (w1.T.copy(), b1[:, None], w2.T.copy(), b2[:, None]), z0.T.copy()
    return (w1, b1, w2, b2), z0


def rk4_step(f, h, z):
    k1 = f(z)
    k2 = f(z + h / 2 * k1)
    k3 = f(z + h / 2 * k2)
    k4 = f(z + h * k3)
    return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4(layout, unroll, steps, p, z):
    f = partial(slope, layout, p)
    return jax.lax.scan(lambda z, _: (rk4_step(f, STEP, z), None), z, None, length=steps, unroll=unroll)[0]


def diffrax_end(layout, p, z, span, tolerance, adjoint, max_steps):
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, z, p: slope(layout, p, z)),
        diffrax.Dopri5(),
        t0=0.0,
        t1=span,
        dt0=None,
        y0=z,
        args=p,
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
        adjoint=adjoint,
        max_steps=max_steps,
        throw=False,
    )
    return solution.ys[0]


def per_sample(solve):
    """@param solve: p, z [L] → [L]"""
    return lambda p, z: jax.vmap(solve, in_axes=(None, 0))(p, z)


def compiled(make_function, layout, name, gain, values_of):
    def make():
        p, z0 = problem(layout, name, gain)
        function = jax.jit(make_function())
        return (lambda: jax.block_until_ready(function(p, z0))), (lambda: values_of(function(p, z0)))

    return make


def of_end(z):
    return {"sum": z.sum(), "squares": (z * z).sum()}


def of_gradient(result):
    loss, gradients = result
    squares = sum((g.astype(jnp.float32) ** 2).sum() for g in jax.tree_util.tree_leaves(gradients))
    return {"loss": loss, "gradient": squares**0.5}


def with_gradient(solve):
    return jax.value_and_grad(lambda p, z: (solve(p, z) ** 2).sum(), argnums=(0, 1))


def fixed_rows():
    rows = {}
    for name in FIELDS:
        forward, gradient = {}, {}
        for layout in LAYOUTS:
            for unroll in (1, 4) if layout == "lane-major" else (1,):
                variant = f"scan, {layout}, unroll {unroll}"
                forward[variant] = compiled(
                    lambda layout=layout, unroll=unroll: partial(rk4, layout, unroll, FORWARD_STEPS),
                    layout, name, 1.0, of_end,
                )  # fmt: skip
                gradient[variant] = compiled(
                    lambda layout=layout, unroll=unroll: with_gradient(partial(rk4, layout, unroll, GRADIENT_STEPS)),
                    layout, name, 1.0, of_gradient,
                )  # fmt: skip
        rows |= {f"forward-{name}": forward, f"gradient-{name}": gradient}
    return rows


def adjoints(kind, tolerance):
    """Adjoint and most steps of each variant."""
    if kind == "gradient":
        # Room for more steps than it takes costs time.
        return {"checkpointed, at most 64 steps": (diffrax.RecursiveCheckpointAdjoint(), 64)}
    seminorm = diffrax.PIDController(rtol=tolerance, atol=tolerance, norm=diffrax.adjoint_rms_seminorm)
    return {"backsolve, seminorm": (diffrax.BacksolveAdjoint(solver=diffrax.Dopri5(), stepsize_controller=seminorm), 4096)}


def solvers(span, tolerance, adjoint, max_steps):
    def end(layout, p, z):
        return diffrax_end(layout, p, z, span, tolerance, adjoint, max_steps)

    return {
        "joint, batch-major": ("batch-major", partial(end, "batch-major")),
        "joint, lane-major": ("lane-major", partial(end, "lane-major")),
        "per sample": ("batch-major", per_sample(partial(end, "batch-major"))),
    }


def adaptive_rows():
    rows = {}
    for name in FIELDS:
        forward = {}
        for who, (layout, solve) in solvers(10.0, 1e-6, diffrax.RecursiveCheckpointAdjoint(), 4096).items():
            forward[who] = compiled(lambda solve=solve: solve, layout, name, 2.0, of_end)
        rows[f"dopri5-{name}"] = forward
        for kind, row in (("gradient", "dopri5-gradient"), ("adjoint", "dopri5-adjoint")):
            rows[f"{row}-{name}"] = {
                f"{who}, {how}": compiled(lambda solve=solve: with_gradient(solve), layout, name, 2.0, of_gradient)
                for how, (adjoint, max_steps) in adjoints(kind, 1e-3).items()
                for who, (layout, solve) in solvers(1.0, 1e-3, adjoint, max_steps).items()
            }
    return rows
