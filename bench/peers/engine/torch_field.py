"""The bare vector field in PyTorch: RK4 by hand (eager, traced, compiled), torchdiffeq and torchode."""

from functools import partial

import torch
import torchdiffeq
import torchode
from problem import FIELDS, FORWARD_STEPS, GRADIENT_STEPS, STEP, field


class Field(torch.nn.Module):
    def __init__(self, name, gain):
        super().__init__()
        w1, b1, w2, b2, z0 = (torch.from_numpy(values.copy()) for values in field(name, gain))
        self.w1, self.b1, self.w2, self.b2 = (torch.nn.Parameter(value) for value in (w1, b1, w2, b2))
        self.start = z0

    def forward(self, t, z):
        return torch.addmm(self.b2, torch.tanh(torch.addmm(self.b1, z, self.w1)), self.w2)


def rk4_step(f, h, z):
    k1 = f(None, z)
    k2 = f(None, z + h / 2 * k1)
    k3 = f(None, z + h / 2 * k2)
    k4 = f(None, z + h * k3)
    return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def by_hand(step, steps):
    def solve(f, z):
        for _ in range(steps):
            z = step(f, STEP, z)
        return z

    return solve


def plain_step(w1, b1, w2, b2, h: float, z):
    def slope(z):
        return torch.addmm(b2, torch.tanh(torch.addmm(b1, z, w1)), w2)

    return rk4_step(lambda _t, z: slope(z), h, z)


def scripted(steps, wrap):
    """One step as a graph: traced by TorchScript, or compiled by inductor."""

    def prepare(f):
        weights = f.w1, f.b1, f.w2, f.b2
        step = wrap(partial(plain_step, h=STEP), weights, f.start)

        def solve(_f, z):
            for _ in range(steps):
                z = step(*weights, z=z)
            return z

        return solve

    return prepare


def traced(step, weights, z):
    graph = torch.jit.trace(lambda w1, b1, w2, b2, z: step(w1, b1, w2, b2, z=z), (*weights, z))
    return lambda *weights, z: graph(*weights, z)


def compiled(step, _weights, _z):
    return torch.compile(step, dynamic=False)


def diffeq(method, span, tolerance=1e-3, options=None, adjoint=None):
    solve = torchdiffeq.odeint_adjoint if adjoint is not None else torchdiffeq.odeint
    more = {} if adjoint is None else {"adjoint_options": adjoint}
    times = torch.tensor([0.0, span])
    control = {"rtol": tolerance, "atol": tolerance}

    def solution(f, z):
        return solve(f, z, times, method=method, options=options, **control, **more)[-1]

    return lambda _f: solution


def torchode_end(span, tolerance, wrap=lambda solver: solver):
    def prepare(f):
        term = torchode.ODETerm(f)
        control = torchode.IntegralController(atol=tolerance, rtol=tolerance, term=term)
        solver = wrap(torchode.AutoDiffAdjoint(torchode.Dopri5(term=term), control))
        batch = f.start.shape[0]
        t0, t1 = torch.zeros(batch), torch.full((batch,), span)
        return lambda _f, z: solver.solve(torchode.InitialValueProblem(y0=z, t_start=t0, t_end=t1)).ys[:, -1]

    return prepare


def forward(name, gain, prepare):
    def make():
        f = Field(name, gain)
        solve = prepare(f)

        def run():
            with torch.no_grad():
                return solve(f, f.start)

        def check():
            z = run()
            return {"sum": z.sum(), "squares": (z * z).sum()}

        return run, check

    return make


def gradient(name, gain, prepare):
    def make():
        f = Field(name, gain)
        solve = prepare(f)
        leaves = [*f.parameters(), f.start.requires_grad_()]

        def run():
            loss = (solve(f, f.start) ** 2).sum()
            return loss, torch.autograd.grad(loss, leaves)

        def check():
            loss, gradients = run()
            return {"loss": loss.detach(), "gradient": sum((g * g).sum() for g in gradients).sqrt()}

        return run, check

    return make


def fixed(steps):
    grid = {"step_size": STEP}
    return {
        "torch": {
            "eager": lambda _f: by_hand(rk4_step, steps),
            "traced": scripted(steps, traced),
            "compiled": scripted(steps, compiled),
        },
        "torchdiffeq": {"rk4": diffeq("rk4", steps * STEP, options=grid)},
    }


def adaptive(row):
    """Variants by package."""
    if row == "dopri5":
        return forward, {
            "torchode": {"per sample": torchode_end(10.0, 1e-6)},
            "torchdiffeq": {"joint": diffeq("dopri5", 10.0, 1e-6)},
        }
    if row == "dopri5-gradient":
        return gradient, {
            "torchode": {"per sample": torchode_end(1.0, 1e-3)},
            "torchdiffeq": {"joint": diffeq("dopri5", 1.0)},
        }
    return gradient, {
        "torchdiffeq": {
            "joint": diffeq("dopri5", 1.0, adjoint={}),
            "joint, seminorm": diffeq("dopri5", 1.0, adjoint={"norm": "seminorm"}),
        },
    }


def field_rows(package):
    rows = {}
    for name in FIELDS:
        for row, work, steps in (("forward", forward, FORWARD_STEPS), ("gradient", gradient, GRADIENT_STEPS)):
            variants = fixed(steps).get(package, {})
            rows[f"{row}-{name}"] = {who: work(name, 1.0, prepare) for who, prepare in variants.items()}
        for row in ("dopri5", "dopri5-gradient", "dopri5-adjoint"):
            work, packages = adaptive(row)
            variants = packages.get(package, {})
            rows[f"{row}-{name}"] = {who: work(name, 2.0, prepare) for who, prepare in variants.items()}
    return rows
