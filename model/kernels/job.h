/*
 * What a caller asks for: operations, and the descriptor of each as a struct of cells of four bytes (int32_t or float).
 * Every field that ends in _at is an offset in cells from the base of the arena. The callers' twin of this page, name by name,
 * is model/engine/fused/job.ts; a test compares the two.
 */
#ifndef ODECAST_JOB_H
#define ODECAST_JOB_H

#include <stdint.h>

/* Changes with every change of a descriptor; model/engine/fused/kernel-library.ts holds the same number. */
#define KERNEL_ABI 4

enum operation {
  OP_SPECIAL,  /* struct special_job */
  OP_TRAIN,    /* struct train_job: loss and gradient of a tile */
  OP_ENCODE,   /* struct encode_job: posteriors of contexts */
  OP_DECODE,   /* struct decode_job: paths and observation distributions */
  OP_SOLVE,    /* struct solve_job: the vector field alone */
  OP_QUANTILE, /* struct quantile_job */
  OP_QUERY,    /* struct query_job: from contexts to distributions */
};

/* What kernel_run answers. NO_ROOM: the job's scratch is too small; `scratch_needed` says what it takes. */
enum outcome { DONE = 0, UNKNOWN_OPERATION = -1, NO_ROOM = -2 };

/* Each job ends in this: work space, and what the job would need. With scratch_cells 0 nothing else is done. */
struct scratch {
  int32_t at, cells, needed;
};

enum encoder_kind { GRU_ENCODER, ODE_RNN_ENCODER };
enum method { EULER, MIDPOINT, RK4, REVERSIBLE_HEUN, DOPRI5, TSIT5 };
enum gradient { CHECKPOINTED, ADJOINT, REVERSIBLE };
enum bound { ELBO, IMPORTANCE_WEIGHTED };

/* The model: ModelSpec in numbers, and where its parameters lie (model/latent/layout.ts says in which order). */
struct model_cells {
  int32_t channels, latent;
  int32_t encoder_kind, encoder_units, drift_units, drift_steps, drift_tableau_at;
  int32_t dynamics_units, dynamics_depth, periods, rates_at;
  int32_t decoder_units, likelihood;
  float degrees, log_normaliser;
  int32_t method, gradient, tableau_at, max_steps;
  float spacing, rtol, atol;
  int32_t parameters_at;
};

struct context_cells {
  int32_t samples, offsets_at, values_at, mask_at, clock_at, gaps_at; /* mask: bytes */
};

/* A tile: at most LANES samples. */
struct train_job {
  struct model_cells model;
  struct context_cells context;
  int32_t target_offsets_at, target_left_at, target_u_at, target_values_at, target_mask_at;
  int32_t turns_at; /* [B][periods] phase of each sample at model time 0 */
  int32_t noise_at; /* [K][B][latent] */
  int32_t draws, bound;
  float beta, weight;           /* of the divergence; one over the number of target entries */
  int32_t gradient_at;          /* out [P] */
  int32_t sums_at;              /* out [3]: loss, negative log likelihood and divergence, each times `weight` */
  int32_t status_at, forward_at, backward_at; /* out [K][B] */
  struct scratch scratch;
};

struct encode_job {
  struct model_cells model;
  struct context_cells context;
  int32_t mean_at, log_variance_at; /* out [B][latent] */
  struct scratch scratch;
};

struct decode_job {
  struct model_cells model;
  int32_t samples, z0_at, turns_at, offsets_at, left_at, u_at;
  int32_t latent_at, mean_at, scale_at;  /* out [N][latent], [N][channels] */
  int32_t status_at, evaluations_at;     /* out [B] */
  struct scratch scratch;
};

/* K paths from one posterior, read at the same times. */
struct query_cells {
  int32_t posterior;              /* among those found here, then those known */
  int32_t draws, rows;            /* K, T */
  int32_t noise_at, turns_at;     /* [K][latent], [periods] */
  int32_t left_at, u_at;          /* [T] */
  int32_t mean_at, scale_at;      /* out [T][channels][K] */
};

struct query_job {
  struct model_cells model;
  struct context_cells context;         /* may have no samples */
  int32_t mean_at, log_variance_at;     /* [.][latent]: out of the contexts; behind them those that are known */
  int32_t queries_at;                   /* [Q] struct query_cells */
  int32_t paths;                        /* M, of all queries */
  int32_t query_of_at, draw_of_at;      /* [M] in the order in which paths fill tiles */
  int32_t status_at, evaluations_at;    /* out [M] */
  struct scratch scratch;
};

/* The vector field alone, a tanh MLP without periods: parameters layer by layer, weights [in][out] before biases. `steps` knots
 * of `spacing` are solved, and where `backward` is not 0 the sum of z_end^2 is differentiated. */
struct solve_job {
  int32_t latent, units, depth, parameters_at, tableau_at;
  int32_t method, gradient, steps, max_steps;
  float spacing, rtol, atol;
  int32_t samples, z0_at; /* [B][latent] */
  int32_t backward;
  int32_t end_at, z_gradient_at, gradient_at;     /* out [B][latent], [B][latent], [P] */
  int32_t status_at, forward_at, backward_at;     /* out [B] */
  struct scratch scratch;
};

/* Quantiles of `rows` mixtures of normals. A level is the smaller of its two tails, and the standard normal's quantile of the
 * level: below 0 where that tail is the lower one. */
struct quantile_job {
  int32_t rows, components, levels;
  int32_t means_at, scales_at;      /* [rows][components] */
  int32_t weights_at, weights_step; /* [components] sum 1; a row's lie `weights_step` cells behind those of the row before */
  int32_t tails_at, probits_at;     /* [levels] */
  int32_t out_at;                   /* out [rows][levels]; NaN for a row that is no mixture */
  struct scratch scratch;
};

/* kind: enum special_function; out2 only of those that give two values. count: a multiple of the vector length. */
struct special_job {
  int32_t kind, count, in_at, out_at, out2_at;
};

#endif
