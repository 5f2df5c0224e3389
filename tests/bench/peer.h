/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Another logging library beside vlog: each peer-NAME.* becomes a shared object that tests/bench/statements loads when
 * it could be built. All of them log the statement that statements.c logs, @n times.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* Prepare: files go to @dir, debug statements are off. Returns 0, or -1 when it cannot be measured here. */
int peer_open(const char *dir);
/* Debug statements that nobody wants. Called by several threads at once. */
void peer_disabled(long n);
/* Debug statements into a file, at the system before the call returns. Missing where a peer cannot. Called by several
 * threads at once, after peer_enable(). */
void peer_enable(void);
void peer_enabled(long n);

#ifdef __cplusplus
}
#endif
