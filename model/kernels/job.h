/*
 * What a caller asks for: operations, and the descriptor of each in cells of four bytes.
 */
#ifndef ODECAST_JOB_H
#define ODECAST_JOB_H

/* Changes with every change of a descriptor; model/engine/fused/kernel-library.ts holds the same number. */
#define KERNEL_ABI 1

enum operation { OP_COPY = 0 };

#endif
