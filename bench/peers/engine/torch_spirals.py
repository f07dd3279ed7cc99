"""The latent ODE of the spirals in PyTorch: training step and query, the path by hand or by torchdiffeq."""

from functools import partial

import numpy as np
import torch
import torchdiffeq
from problem import (
    BATCH, CHANNELS, ENCODER, LOG_SCALE_BOUND, LOG_VARIANCE_BOUND, SPACING, TIMES, TOLERANCE,
    encoder_inputs, noise, observed, spirals_parameters,
)  # fmt: skip
from torch_field import rk4_step

TIME = torch.arange(TIMES) * SPACING


def soft_clamp(x, bound):
    return bound * torch.tanh(x / bound)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for name, value in spirals_parameters().items():
            setattr(self, name, torch.nn.Parameter(torch.from_numpy(value)))

    def linear(self, name, x):
        return torch.nn.functional.linear(x, getattr(self, f"{name}_w").T, getattr(self, f"{name}_b"))

    def forward(self, _t, z):
        """The vector field: what solvers call."""
        x = torch.tanh(torch.addmm(self.dynamics0_b, z, self.dynamics0_w))
        x = torch.tanh(torch.addmm(self.dynamics1_b, x, self.dynamics1_w))
        return torch.addmm(self.dynamics2_b, x, self.dynamics2_w)

    def encode(self, inputs):
        """PyTorch's own GRU, whose gates are the same: one call for all observations."""
        weights = [self.input_w.T, self.recurrent_w.T, self.input_b, self.recurrent_b]
        start = inputs.new_zeros(1, inputs.shape[1], ENCODER)
        _, h = torch.gru(inputs, start, weights, True, 1, 0.0, False, False, False)
        mean, raw = self.linear("posterior", h[0]).chunk(2, 1)
        return mean, soft_clamp(raw, LOG_VARIANCE_BOUND)

    def decode(self, path):
        mean, raw = self.linear("output", torch.tanh(self.linear("hidden", path))).chunk(2, -1)
        return mean, torch.exp(soft_clamp(raw, LOG_SCALE_BOUND))


def path_by_hand(step, model, z):
    path = [z]
    for _ in range(TIMES - 1):
        path.append(step(model, SPACING, path[-1]))
    return torch.stack(path)


def path_by_diffeq(method, adjoint, model, z):
    solve = torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint
    return solve(model, z, TIME, method=method, rtol=TOLERANCE, atol=TOLERANCE)


def loss_of(model, path_of, inputs, values, draws):
    mean, log_variance = model.encode(inputs)
    z0 = mean + torch.exp(log_variance / 2) * draws
    x, scale = model.decode(path_of(model, z0))
    negative = 0.5 * ((values - x) / scale) ** 2 + torch.log(scale) + 0.5 * np.log(2 * np.pi)
    kl = 0.5 * (mean**2 + torch.exp(log_variance) - 1 - log_variance)
    return (negative.sum() + kl.sum()) / (BATCH * TIMES * CHANNELS)


def training_step(path_of):
    def make():
        model = Model()
        parameters = list(model.parameters())
        data = [torch.from_numpy(values) for values in (encoder_inputs(), observed(), noise(BATCH))]
        adam = torch.optim.Adam(parameters, lr=0.0, fused=True)  # at rate 0 each step is the same work

        def run():
            adam.zero_grad()
            value = loss_of(model, path_of, *data)
            value.backward()
            adam.step()
            return value

        def check():
            value = run().item()
            return {"loss": value, "gradient": sum((p.grad * p.grad).sum() for p in parameters).sqrt()}

        return run, check

    return make


def query(samples, path_of):
    def make():
        model = Model()
        inputs, draws = torch.from_numpy(encoder_inputs()[:, :1].copy()), torch.from_numpy(noise(samples))

        def run():
            with torch.no_grad():
                mean, log_variance = model.encode(inputs)
                return model.decode(path_of(model, mean + torch.exp(log_variance / 2) * draws))

        def check():
            mean, scale = run()
            return {"mean": mean.abs().sum(), "scale": scale.sum()}

        return run, check

    return make


def compiled_step():
    return torch.compile(lambda model, h, z: rk4_step(model, h, z), dynamic=False)


def query_by_step(samples):
    """Compiled a step at a time: the whole path as one graph takes minutes to compile."""
    return lambda: query(samples, partial(path_by_hand, compiled_step()))()


def spirals_rows(package):
    if package == "torch":
        eager = partial(path_by_hand, rk4_step)
        return {
            "spirals-rk4": {
                "eager": training_step(eager),
                "path compiled by step": lambda: training_step(partial(path_by_hand, compiled_step()))(),
            },
            "query-1": {"eager": query(1, eager), "path compiled by step": query_by_step(1)},
            "query-64": {"eager": query(64, eager), "path compiled by step": query_by_step(64)},
        }
    if package == "torchdiffeq":
        rk4 = partial(path_by_diffeq, "rk4", False)
        return {
            "spirals-rk4": {"rk4": training_step(rk4), "rk4, adjoint": training_step(partial(path_by_diffeq, "rk4", True))},
            # Its release has no tsit5.
            "spirals-tsit5": {
                "dopri5": training_step(partial(path_by_diffeq, "dopri5", False)),
                "dopri5, adjoint": training_step(partial(path_by_diffeq, "dopri5", True)),
            },
            "query-1": {"rk4": query(1, rk4)},
            "query-64": {"rk4": query(64, rk4)},
        }
    return {}
