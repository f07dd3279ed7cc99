/*
 * The door from Node.js to the native kernels: one build of them a vector width, of which those are shown that this CPU runs.
 * The module is an object
 *
 *   { compiler: string,
 *     builds: [{ name, abi, lanes, vectorLength, run(arena, operation, job) → number }, …],   the widest first
 *     skip(arena) → number }                        cells from the arena's start to the next multiple of 64 bytes
 *
 * `arena` is a Float32Array or Int32Array on either kind of buffer. No state is kept, so any number of threads may load it.
 * What a job's descriptor says is checked by whoever wrote it; here only that it lies inside the arena.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The widths of scripts/kernels/native.ts for this architecture, the widest first, and what each asks of the CPU. */
#if defined(__x86_64__)
#define HAS(feature) __builtin_cpu_supports(feature)
#define WIDTHS(X)                                                                                                       \
  X(avx512, HAS("avx512f") && HAS("avx512dq") && HAS("avx512bw") && HAS("avx512vl") && HAS("avx2") && HAS("fma"))        \
  X(avx2, HAS("avx2") && HAS("fma"))                                                                                    \
  X(baseline, true)
#elif defined(__aarch64__)
#define WIDTHS(X) X(neon, true)
#else
#define WIDTHS(X) X(baseline, true)
#endif

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

enum { ALIGNMENT = 64 };

typedef struct {
  const char *name;
  bool (*supported)(void);
  int32_t (*abi)(void);
  int32_t (*lanes)(void);
  int32_t (*vector_length)(void);
  int32_t (*run)(float *base, int32_t operation, int32_t job);
} build;

#define DECLARE(name, condition)                                                                                        \
  static bool name##_supported(void) { return condition; }                                                              \
  int32_t name##_kernel_abi(void);                                                                                      \
  int32_t name##_kernel_lanes(void);                                                                                    \
  int32_t name##_kernel_vector_length(void);                                                                            \
  int32_t name##_kernel_run(float *base, int32_t operation, int32_t job);
#define ROW(name, condition)                                                                                            \
  {#name,                                                                                                               \
   name##_supported,                                                                                                    \
   name##_kernel_abi,                                                                                                   \
   name##_kernel_lanes,                                                                                                 \
   name##_kernel_vector_length,                                                                                         \
   name##_kernel_run},

WIDTHS(DECLARE)
static const build builds[] = {WIDTHS(ROW)};

typedef struct {
  float *base;
  size_t cells;
} arena;

static napi_value refuse(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
  return NULL;
}

/* False for anything but an array of four-byte cells: no other view has its elements where a kernel looks for them. */
static bool arena_of(napi_env env, napi_value value, arena *found) {
  bool typed = false;
  napi_typedarray_type type;
  void *base;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
  if (napi_get_typedarray_info(env, value, &type, &found->cells, &base, NULL, NULL) != napi_ok) return false;
  found->base = base;
  return type == napi_float32_array || type == napi_int32_array;
}

/* The baseline of x86-64 is older than AVX: where the caller has left something in the upper halves of the registers, each of its
 * instructions waits to keep that, and takes four times as long. */
#if defined(__x86_64__)
__attribute__((target("avx"))) static void clear_upper_halves(void) { __builtin_ia32_vzeroupper(); }
static void enter(void) {
  if (HAS("avx")) clear_upper_halves();
}
#else
static void enter(void) {}
#endif

/* A whole number from 0 to below `limit`. JavaScript's own conversion would wrap a larger one round. */
static bool whole_below(napi_env env, napi_value value, double limit, int32_t *number) {
  double given;
  if (napi_get_value_double(env, value, &given) != napi_ok) return false;
  if (!(given >= 0 && given < limit && given <= INT32_MAX)) return false;
  *number = (int32_t)given;
  return *number == given;
}

/* run(arena, operation, job); which build it belongs to comes with the function. */
static napi_value run(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], result;
  void *data;
  arena memory;
  int32_t operation, job;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok || count != 3)
    return refuse(env, "run takes an arena, an operation and a job");
  if (!arena_of(env, arguments[0], &memory)) return refuse(env, "the arena must be a Float32Array or an Int32Array");
  if ((uintptr_t)memory.base % ALIGNMENT != 0) return refuse(env, "the arena must begin at a multiple of 64 bytes");
  if (!whole_below(env, arguments[1], 1.0 + INT32_MAX, &operation)) return refuse(env, "the operation must be a whole number");
  if (!whole_below(env, arguments[2], (double)memory.cells, &job)) return refuse(env, "the job must lie inside the arena");
  enter();
  const int32_t status = ((const build *)data)->run(memory.base, operation, job);
  return napi_create_int32(env, status, &result) == napi_ok ? result : NULL;
}

static napi_value skip(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  arena memory;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count != 1)
    return refuse(env, "skip takes an arena");
  if (!arena_of(env, argument, &memory)) return refuse(env, "the arena must be a Float32Array or an Int32Array");
  const uint32_t bytes = (ALIGNMENT - (uintptr_t)memory.base % ALIGNMENT) % ALIGNMENT;
  return napi_create_uint32(env, bytes / sizeof(float), &result) == napi_ok ? result : NULL;
}

/* Every call below fails only if the process is out of memory or shutting down; an exception is pending then. */
#define TRY(call)                                                                                                       \
  if ((call) != napi_ok) return NULL

static napi_value describe(napi_env env, const build *from) {
  napi_value object, name, abi, lanes, vector_length, function;
  TRY(napi_create_object(env, &object));
  TRY(napi_create_string_utf8(env, from->name, NAPI_AUTO_LENGTH, &name));
  TRY(napi_create_int32(env, from->abi(), &abi));
  TRY(napi_create_int32(env, from->lanes(), &lanes));
  TRY(napi_create_int32(env, from->vector_length(), &vector_length));
  TRY(napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, (void *)from, &function));
  TRY(napi_set_named_property(env, object, "name", name));
  TRY(napi_set_named_property(env, object, "abi", abi));
  TRY(napi_set_named_property(env, object, "lanes", lanes));
  TRY(napi_set_named_property(env, object, "vectorLength", vector_length));
  TRY(napi_set_named_property(env, object, "run", function));
  return object;
}

static napi_value describe_all(napi_env env) {
  napi_value list;
  uint32_t shown = 0;
  TRY(napi_create_array(env, &list));
  for (size_t i = 0; i < sizeof builds / sizeof builds[0]; i++) {
    if (!builds[i].supported()) continue;
    const napi_value object = describe(env, &builds[i]);
    if (object == NULL) return NULL;
    TRY(napi_set_element(env, list, shown++, object));
  }
  return list;
}

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  napi_value compiler, function;
  const napi_value list = describe_all(env);
  if (list == NULL) return NULL;
  TRY(napi_create_string_utf8(env, COMPILER, NAPI_AUTO_LENGTH, &compiler));
  TRY(napi_create_function(env, "skip", NAPI_AUTO_LENGTH, skip, NULL, &function));
  TRY(napi_set_named_property(env, exports, "compiler", compiler));
  TRY(napi_set_named_property(env, exports, "builds", list));
  TRY(napi_set_named_property(env, exports, "skip", function));
  return exports;
}
